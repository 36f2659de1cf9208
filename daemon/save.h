/* Files of the state directory: replaced as a whole or not at all. */
#ifndef TANDEM_DAEMON_SAVE_H
#define TANDEM_DAEMON_SAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SAVE_MAX (64u * 1024 * 1024)

/* Whether the engine may write a file of this name. */
bool save_name_ok(const char *name, size_t cap);
/* Replaces dir/name by `len` bytes, mode 0600. After a crash at any point the name shows the
 * old or the new text. 0 or -errno. */
int save_bytes(int dir, const char *name, const void *data, size_t len);
/* The same with the whole of a regular file (the engine's memfd). -EFBIG past SAVE_MAX,
 * -EINVAL for anything that is not a regular file. */
int save_fd(int dir, const char *name, int fd);
int save_erase(int dir, const char *name); /* 0 also when it was not there */

#endif
