/* The serial number. See serial.h. */
#include "daemon/serial.h"
#include "daemon/save.h"
#include "lib/str.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define SERIAL_LEN 11

/* Characters that nobody mistakes for another. */
static const char alphabet[] = "0123456789ABCDEFGHJKLMNPQRSTUVWX";

static int make(char *serial)
{
    uint8_t dice[SERIAL_LEN];
    if (getrandom(dice, sizeof(dice), 0) != (ssize_t)sizeof(dice))
        return -EIO;
    serial[0] = '9'; /* virtual appliances begin so */
    serial[1] = 'A';
    for (size_t i = 2; i < SERIAL_LEN; i++)
        serial[i] = alphabet[dice[i] % (sizeof(alphabet) - 1)];
    serial[SERIAL_LEN] = '\0';
    return 0;
}

int serial_get(int dir, char *out, size_t cap)
{
    char serial[SERIAL_LEN + 1] = "";
    out[0] = '\0';
    int fd = openat(dir, SERIAL_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno != ENOENT)
        return -errno;
    ssize_t n = fd >= 0 ? read(fd, serial, SERIAL_LEN) : 0;
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return -EIO;
    serial[n] = '\0';
    if (strlen(serial) != SERIAL_LEN || strspn(serial, alphabet) != SERIAL_LEN) {
        int err = make(serial);
        if (!err)
            err = save_bytes(dir, SERIAL_FILE, serial, SERIAL_LEN);
        if (err)
            return err;
    }
    return str_copy(out, cap, serial) ? 0 : -ENAMETOOLONG;
}
