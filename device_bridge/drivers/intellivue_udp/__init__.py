"""Philips IntelliVue MP/MX by the network: data export on UDP 24105, announcements on 24005."""
