"""What runs each instruction: finds its operands and dimensions in a row of the table and calls the kernel.

A ``run_...`` for every operator, in files as in mcuref/kernels/ and with a twin in mcuref/export/c/operations/. Where
nothing is done but unpacking, both are written by ``python -m mcuref.export.generate`` from the operator's declaration.

Each takes the row int32[32], its constants float32[6], the :class:`mcuref.operations.views.Memory`, the
:class:`mcuref.operations.views.Host`, the :class:`mcuref.operations.views.Sample` at hand, and the counts of its row,
int64[4]; it returns GO_ON, JUMP or END.
"""
