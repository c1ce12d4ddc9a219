"""What the domain tells the edges, after the commit only. Payloads are ids and words, never patient data."""

from blinker import Namespace

_namespace = Namespace()

# sender: topic such as "case:12" or "schedule:2026-11-22"; keyword `what`: which part changed ("chart", "board")
changed = _namespace.signal("changed")

# sender: topic; keyword `values`: list of numerics just stored (the one thing that travels as values)
numerics = _namespace.signal("numerics")

# sender: device id; the registry of devices changed and bridges should ask again
devices_changed = _namespace.signal("devices_changed")

# sender: id of a session that was ended; its open pages leave
session_ended = _namespace.signal("session_ended")

# sender: name of a bridge; something waits there to be done
errands_given = _namespace.signal("errands_given")
