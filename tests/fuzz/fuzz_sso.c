/*
 * Stateful failover: any bytes as messages of the peer, to an active box and to a standby one.
 * Input: 1 byte (bit 0: active), then messages: 1 byte stream, 2 bytes length, bytes. What is
 * understood is written again and says the same; the host is told nothing that makes no sense.
 */
#include "control/sso/sync.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>
#include <string.h>

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void again(const uint8_t *p, size_t n)
{
    uint8_t out[4096];
    struct sso_message m;
    struct sso_item i;
    struct sso_moved moved;
    struct wbuf w = wbuf_make(out, sizeof(out));
    if (sso_wire_read(p, n, &m) < 0)
        return;
    if (m.type == SSO_RECORDS) {
        while (sso_wire_item(&m.items, &i))
            must(i.op != SSO_PUT || (i.len && i.len <= SSO_PART && i.offset + i.len <= i.total));
        must(!m.items.bad && rbuf_left(&m.items) == 0);
    } else if (m.type == SSO_MOVED) {
        while (sso_wire_moved(&m.items, &moved))
            must(moved.sa != 0 && moved.sa <= INT32_MAX);
        must(!m.items.bad && rbuf_left(&m.items) == 0);
    } else {
        must(sso_wire_write(&w, &m) == 0 && w.len == n);
        must(memcmp(out, p, n) == 0);
    }
}

static int on_send(void *ctx, enum sso_stream s, const uint8_t *p, size_t n)
{
    struct sso_message m;
    (void)ctx;
    must(s < SSO_STREAMS && n <= SSO_MESSAGE_MAX && sso_wire_read(p, n, &m) == 0);
    return 0;
}

static void on_restart(void *ctx, const char *why)
{
    must(why != NULL);
    (*(unsigned *)ctx)++;
}

static void on_event(void *ctx, enum sso_sync_event e)
{
    (void)ctx;
    (void)e;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void on_flag(void *ctx, bool on)
{
    (void)ctx;
    (void)on;
}

static void on_moved(void *ctx, uint64_t least)
{
    (void)ctx;
    must(least > 0);
}

static uint64_t on_used(void *ctx, uint32_t sa)
{
    (void)ctx;
    return sa;
}

static uint32_t on_block(void *ctx, uint32_t sa)
{
    (void)ctx;
    (void)sa;
    return 1000;
}

static void on_ceiling(void *ctx, uint32_t sa, uint64_t next, uint64_t ceiling, uint32_t block)
{
    (void)ctx;
    (void)block;
    must(sa != 0 && (!next || next <= ceiling));
}

static void on_limited(void *ctx, uint32_t sa, uint64_t limit)
{
    (void)ctx;
    (void)limit;
    must(sa != 0);
}

static void on_replace(void *ctx, uint32_t sa)
{
    (void)ctx;
    must(sa != 0);
}

static int on_take(void *ctx, enum sso_kind kind, uint64_t key, const uint8_t *p, size_t n,
                   int64_t shift)
{
    (void)ctx;
    (void)key;
    (void)shift;
    must(kind > 0 && kind < SSO_KINDS && n <= SSO_RECORD_MOST);
    for (size_t i = 0; i < n; i += 97) /* it is all there */
        must(p[i] <= 255);
    return 0;
}

static void on_position(void *ctx, uint32_t sa, uint64_t next, uint64_t ceiling)
{
    (void)ctx;
    (void)sa;
    must(!ceiling || next <= ceiling);
}

static void on_volume(void *ctx, uint32_t sa, uint64_t bytes)
{
    (void)ctx;
    must(sa != 0 && bytes <= SSO_BYTES_MOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manual_time t = {.mono_us = USEC_PER_SEC};
    struct clock clk = clock_manual(&t);
    struct timerq q = {0};
    unsigned restarts = 0;
    const struct sso_sync_host h = {.timers = &q,
                                    .clock = &clk,
                                    .send = on_send,
                                    .restart = on_restart,
                                    .event = on_event,
                                    .safe = nothing,
                                    .bulk = nothing,
                                    .moved = on_moved,
                                    .used = on_used,
                                    .block = on_block,
                                    .leased = on_flag,
                                    .ceiling = on_ceiling,
                                    .barrier = nothing,
                                    .begin = nothing,
                                    .limited = on_limited,
                                    .replace = on_replace,
                                    .end = nothing,
                                    .take = on_take,
                                    .position = on_position,
                                    .volume = on_volume,
                                    .purge = nothing,
                                    .ctx = &restarts};
    struct sso_sync *s = sso_sync_new(&h, 1);
    bool split;
    if (!s || !size)
        goto end;
    sso_sync_configure(s, "1", NULL, 0, USEC_PER_SEC);
    sso_sync_state(s, data[0] & 1 ? RF_ACTIVE : RF_NEGOTIATION);
    if (data[0] & 1) {
        (void)sso_sync_activate(s, &split);
        sso_sync_sa(s, 1, UINT32_MAX);
        sso_sync_sa(s, 2, SSO_NO_LAST);
        sso_sync_put(s, SSO_SA, 1, "x", 1);
    }
    sso_sync_up(s);
    for (size_t at = 1; at + 3 <= size;) {
        size_t n = (size_t)data[at + 1] << 8 | data[at + 2];
        enum sso_stream stream = (enum sso_stream)(data[at] % SSO_STREAMS);
        at += 3;
        if (n > size - at)
            n = size - at;
        uint8_t *copy = (uint8_t *)malloc(n ? n : 1); /* of its length, so that ASan sees its end */
        must(copy != NULL);
        memcpy(copy, data + at, n);
        again(copy, n);
        sso_sync_input(s, stream, copy, n);
        free(copy);
        sso_sync_barrier(s);
        t.mono_us += USEC_PER_MSEC;
        timerq_run(&q, t.mono_us, 16);
        at += n;
    }
    if (!sso_sync_is_active(s))
        (void)sso_sync_activate(s, &split);
    else
        sso_sync_deactivate(s);
end:
    sso_sync_free(s);
    timerq_free(&q);
    return 0;
}
