#ifndef PRINTK_H
#define PRINTK_H

void printk(const char *fmt, ...);

#endif
