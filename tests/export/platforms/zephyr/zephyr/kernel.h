#ifndef KERNEL_H
#define KERNEL_H

#include <stddef.h>
#include <stdint.h>

int32_t k_msleep(int32_t ms);

#endif
