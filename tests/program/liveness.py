"""Which bytes hold a needed value when: worked out from a program's instructions alone, not from its plan."""

from mcuref.layers import ACTIVATIONS
from mcuref.memory.buffers import aligned
from mcuref.operators import OPERATORS

# a kernel that reads element i before it writes element i, and nothing else of it afterwards
IN_PLACE = {
    "softmax_forward_f32", "softmax_cross_entropy_f32", "mean_squared_error_f32", "reconstruction_f32", "add_forward_f32",
    "add_backward_f32", "softmax_cross_entropy_s8", "mean_squared_error_s8", "reconstruction_s8", "add_forward_s8",
    "relu_forward_s8", "relu_backward_s8", "relu_masked_s8", "tanh_forward_s8", "sigmoid_forward_s8", "softmax_forward_s8",
    *(name for name in OPERATORS for layer in ACTIVATIONS if name.startswith(f"{layer.kind}_")),
}  # fmt: skip


def lifetimes(program):
    """{buffer: (first, last)} rows, inclusive, of every buffer; what persists lives throughout."""
    rows = len(program.instructions)
    # nobody in the program reads start images and the table, yet they must last
    lives = {buffer: [0, rows] for buffer in (program.listing.table, *program.listing.images.values())}
    for row, instruction in enumerate(program.instructions):
        for buffer in (*instruction.outputs, *instruction.inputs):
            lives.setdefault(buffer, [row, row])[1] = row
    lives = {b: (0, rows) if b.persistent else tuple(life) for b, life in lives.items()}
    # read by Python: outputs after the last forward row, the input's error after the last row
    output, error = program.listing.output, program.listing.input_error
    lives[output] = (lives[output][0], max(lives[output][1], program.listing.forward_rows - 1))
    if error is not None:
        lives[error] = (lives[error][0], rows - 1)
    return lives


def taken_over(program, lives):
    """{buffer: heir} that took its bytes over: its value dies in the row that writes the new one at its offset."""
    heirs = {}
    for row, instruction in enumerate(program.instructions):
        for out in instruction.outputs:
            for source in instruction.inputs:
                same = program.plan.offsets[out] == program.plan.offsets[source] and out is not source
                if same and not out.persistent:
                    assert instruction.name in IN_PLACE, f"{instruction.name} cannot work in place"
                    assert lives[source][1] == row == lives[out][0], f"{source.name} is needed after row {row}"
                    assert source.size == out.size
                    heirs[source] = out
    return heirs


def live_ranges(program):
    """[(buffer, offset, first, last)] of all buffers; a value taken over in place ends a row earlier."""
    lives = lifetimes(program)
    heirs = taken_over(program, lives)
    return [
        (buffer, program.plan.offsets[buffer], first, last - (buffer in heirs)) for buffer, (first, last) in lives.items()
    ]


def most_alive(program, region):
    """Aligned bytes alive at the fullest row, row by row."""
    ranges = [r for r in live_ranges(program) if r[0].region == region]
    return max(
        sum(aligned(buffer.size) for buffer, _, first, last in ranges if first <= row <= last)
        for row in range(len(program.instructions))
    )
