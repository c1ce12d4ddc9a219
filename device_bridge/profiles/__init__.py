"""What the codes of a device mean: one editable file for each model, beside the code that reads the bytes.

A codec finds *native* items in the bytes ("101", "ecg.hr", "1:7D"); a profile says which canonical parameter each one
is, in which unit the device states it, by what it has to be multiplied, and in which range it is believable.

=================== ==============================================================================================
`lines`             a line of a profile and a resolved profile
`reader`            one TOML file → its lines, checked strictly; errors are Chinese sentences for engineers
`store`             the files of this folder and those of the hospital: `DRIVER/default.toml`, `DRIVER/MODEL.toml`
`table`             a profile compiled for one device: its options and what people mapped on the page come last and win
=================== ==============================================================================================

`shared/` holds what several drivers have in common; their own files name it with `extends`.
"""
