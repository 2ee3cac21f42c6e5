"""Networks out of files of other tools.

`tflite.read_tflite` reads a .tflite file: `parsing` brings its bytes to a `graph`, over the bounded access of `flatbuffer`;
`topology` follows that from input to output, and `operators` makes each operator a layer, whose scales `scales` checks.
"""
