"""The interface engine: adapters to the hospital's other systems. It uses `app`; `app` never imports it."""
