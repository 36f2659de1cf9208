/* Opens any bytes as a journal, then uses it: nothing that stands there may lead outside. */
#include "control/journal.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (1u << 20)

static void on_record(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    struct journal *j = (struct journal *)ctx;
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum = (uint8_t)(sum + p[i]);
    if (key & 1)
        journal_remove(j, JOURNAL_SA, key);
}

/* The first half of the input lies at the start of the memory, the rest where index and blocks
 * meet; the header is mostly right, so that the rest is looked at. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, SIZE) < 0)
        abort();
    struct journal *j = journal_open(dup(fd));
    if (!j)
        abort();
    journal_put(j, JOURNAL_SA, 1, data, size < 2000 ? size : 2000);
    journal_put(j, JOURNAL_SA, 2, data, size < 500 ? size : 500);
    journal_close(j);
    size_t half = size > 1 && (data[0] & 1) ? 0 : size / 2;
    if (half && pwrite(fd, data + size - half, half, data[0] & 2 ? 0 : 16) < 0)
        abort();
    size_t back = size - half < 300 ? size - half : 300;
    if (pwrite(fd, data, size - half, (off_t)(524288 + 64 - (back & ~3u))) < 0)
        abort();
    j = journal_open(fd);
    if (!j)
        return 0;
    journal_each(j, JOURNAL_SA, on_record, j);
    for (uint64_t k = 0; k < 8; k++)
        journal_put(j, (enum journal_kind)(1 + k % 4), k, data, size < 900 ? size : 900);
    journal_each(j, JOURNAL_SA, on_record, j);
    journal_close(j);
    return 0;
}
