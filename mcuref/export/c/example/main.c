/* An example: train on the samples compiled in, then tell how many of them the network knows, or their mean loss. */
#include "board/port.h"
#include "kernels/hashing.h"
#include "model.h"
#include "samples.h"

static uint32_t arena[MODEL_SRAM_BYTES / 4];

static void print_number(const char *before, int32_t number) {
  char text[12], *digit = text + sizeof text;
  *--digit = 0;
  do {
    *--digit = (char)('0' + number % 10);
    number /= 10;
  } while (number);
  port_print(before);
  port_print(digit);
}

static const void *sample(int32_t i) { return (const uint8_t *)samples + i * sample_bytes; }

static mcuref_status train(int32_t i) {
#if MODEL_STORED /* the samples are shown as those of some epochs: a sample that was skipped rests in some of them */
  const int32_t index = i % sample_slots, epoch = i / sample_slots;
  return mcuref_train_stored(&model, arena, sample(i), answers + i * answer_values, rates[i], index, epoch, 0);
#else
  return mcuref_train(&model, arena, sample(i), answers + i * answer_values, rates[i], 0);
#endif
}

#if !MODEL_LABELS
#if MODEL_INT8
/* The mean of sums of squares in the scale of the outputs. */
static int32_t mean_loss(void) {
  int32_t loss = 0;
  for (int32_t i = 0; i < sample_count; i++)
    loss += mcuref_loss(&model, arena, sample(i), answers + i * answer_values) / sample_count;
  return loss;
}
#else
/* The mean loss in thousandths. */
static int32_t mean_loss(void) {
  float loss = 0.0f;
  for (int32_t i = 0; i < sample_count; i++)
    loss += mcuref_loss(&model, arena, sample(i), answers + i * answer_values);
  loss = 1000.0f * loss / (float)sample_count;
  return loss < 1e9f ? (int32_t)loss : INT32_MAX;
}
#endif
#endif

int main(void) {
  int32_t trained = 0;
  mcuref_init(&model, arena);
  for (int32_t i = 0; i < sample_count && model.rows > model.forward_rows; i++)
    trained += train(i) == MCUREF_TRAINED;
  const int32_t same = fnv1a(arena, model.state_bytes, FNV1A_START) == trained_state;
#if MODEL_LABELS
  int32_t right = 0;
  for (int32_t i = 0; i < sample_count; i++) right += mcuref_infer(&model, arena, sample(i)) == answers[i];
  print_number("right: ", right);
#else
  if (model.rows > model.forward_rows)
    print_number(MODEL_INT8 ? "mean sum of squares: " : "mean loss, thousandths: ", mean_loss());
  else
    port_print("outputs");
#endif
  print_number(" of ", sample_count);
  print_number(" samples; trained on: ", trained);
  port_print(same ? "; state: the bits of mcuref" : "; state: NOT the bits of mcuref");
  if (port_stack() >= 0) print_number("; stack: ", port_stack());
  port_print("\n");
  return !same;
}
