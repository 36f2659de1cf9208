/*
 * What FRR's ospfd says, any bytes: answers in JSON, lines of its log, the frames of its command
 * socket, and two configurations of which one is to become the other.
 */
#include "control/ospf/config.h"
#include "control/ospf/learn.h"
#include "control/ospf/vty.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>
#include <string.h>

static void frames(const char *data, size_t len)
{
    size_t from = 0, text, n;
    uint8_t result;
    while ((n = vty_decode(data, len, &from, &text, &result)) > 0) {
        if (n > len || text + 4 != n || memcmp(data + text, "\0\0\0", 3) != 0)
            abort();
        data += n;
        len -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ospf_routes routes;
    struct ospf_change change;
    struct str out = {0};
    if (ospf_read_routes((const char *)data, len, &routes) == 0)
        ospf_routes_free(&routes);
    frames((const char *)data, len);
    char *text = (char *)malloc(len + 1);
    if (!text)
        return 0;
    memcpy(text, data, len);
    text[len] = '\0';
    ospf_read_change(text, &change);
    char *second = strchr(text, '|');
    if (second) {
        *second++ = '\0';
        ospf_diff(text, second, &out);
        str_clear(&out);
        ospf_diff(text, text, &out);
        if (out.len)
            abort(); /* what is the same needs no command */
    }
    str_free(&out);
    free(text);
    return 0;
}
