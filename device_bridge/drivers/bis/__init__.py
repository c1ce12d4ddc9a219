"""BIS A-2000 and VISTA, binary output, 57600 8N1. The bridge starts and stops the stream of numbers only."""
