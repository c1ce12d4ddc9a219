"""Device drivers: pure codecs, one package a family.

How to add a family:

1. Make a package `device_bridge/drivers/<family>/` with
   `codec.py` (a class with `opened`, `feed`, `poll`, `closed`; see `base.Codec`),
   `encoder.py` (builds the device's own messages, for tests and simulators),
   `outbound.py` (`check(payload) -> str | None`, written without the encoder's code: it decides what may
   leave towards the device; the default is nothing) and
   `driver.py` with a `DRIVER = Driver(...)`.
2. Import it in `registry.py` and add it to the tuple there.
3. Name what is in the bytes by native names, and write `device_bridge/profiles/<family>/default.toml`: native name →
   canonical code, unit, factor, with its source. The codec asks its table (`profiles.table.table_of`) and gives
   `entry.observe(…)`; sentinels become `None`, a demonstration value gets `Quality.DEMO`, an unknown identifier
   becomes `Unmapped`, whose `source_code` is the native name, so that people can map it on the page.
4. A simulator, when there is one, is registered in `device_bridge.simulators.registry`.
5. Tests: a capture with expected values, a round trip through the encoder, a sample for `test_every_driver`
   (fuzzing, and that no other family takes its bytes), and the ban list of the family in `test_bans`.
6. A page in `docs/devices/`, a line in `docs/devices.md`, and the choice in `app/devices/drivers.py`.

A device that nobody should read without having thought about it (infusion pumps) names a `consent`: its session does
not even connect until that option is set.

`feed` must never raise and never keep more than a bounded number of bytes. Protocols that acknowledge return
`Send(..., after_commit=True)`: the session then writes the answer only after the data is safe on disk.
"""
