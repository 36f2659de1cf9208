/*
 * `tandem --check`: which lines of a configuration the product would refuse, and which it
 * accepts without acting on them. Offline: the parser alone.
 */
#ifndef TANDEM_SHELL_CHECK_H
#define TANDEM_SHELL_CHECK_H

#include <stdbool.h>
#include <stdio.h>

/* Checks the files ("-" is the standard input) and prints to out. Returns the exit status:
 * 0, 1 when a line was refused, 2 when a file cannot be read. */
int check_files(bool asa, char *const *names, int count, FILE *out);

#endif
