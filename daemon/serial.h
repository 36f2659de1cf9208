/* The box's serial number: made once, kept in the state directory. */
#ifndef TANDEM_DAEMON_SERIAL_H
#define TANDEM_DAEMON_SERIAL_H

#include <stddef.h>

#define SERIAL_FILE "serial"

/* Reads dir/serial into out, and makes one first where there is none: eleven characters as the
 * platform's are. 0 or -errno; out is then "". */
int serial_get(int dir, char *out, size_t cap);

#endif
