/* Any bytes as answers to probes: of ICMP, ICMPv6 and UDP, as they come and put together as
 * nearly right ones, given to operations that wait for them. */
#include "control/sla/probe.h"
#include "control/sla/sla.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>
#include <string.h>

struct net {
    struct manual_time t;
    uint8_t sent[64];
    size_t len;
};

static int on_send(void *ctx, const struct intent_sla *op, uint32_t key, const uint8_t *msg,
                   size_t len)
{
    struct net *n = (struct net *)ctx;
    (void)op;
    (void)key;
    n->len = len < sizeof(n->sent) ? len : sizeof(n->sent);
    memcpy(n->sent, msg, n->len);
    return 0;
}

static int on_connect(void *ctx, const struct intent_sla *op, uint32_t key)
{
    (void)ctx;
    (void)op;
    (void)key;
    return 0;
}

static void on_disconnect(void *ctx, uint32_t key)
{
    (void)ctx;
    (void)key;
}

static uint64_t on_random(void *ctx)
{
    (void)ctx;
    return UINT64_C(0x0123456789abcdef);
}

static struct intent_sla op(uint32_t number, enum intent_sla_type type, uint8_t family)
{
    return (struct intent_sla){.number = number,
                               .type = type,
                               .target = {.family = family, .b = {10, 0, 0, 1}},
                               .port = 7,
                               .packets = 2,
                               .frequency = 1,
                               .timeout = 900,
                               .size = 28,
                               .verify = true,
                               .scheduled = true,
                               .start = SLA_START_NOW,
                               .life = SLA_FOREVER};
}

/* What was sent last, as its answer, with some of the input laid over it. */
static void nearly_right(struct sla *s, const struct net *n, const uint8_t *data, size_t size)
{
    uint8_t ip[20 + sizeof(n->sent)] = {0x45, [9] = 1, [12] = 10, [15] = 1};
    memcpy(ip + 20, n->sent, n->len);
    ip[20] = 0;
    for (size_t i = 0; i + 1 < size; i += 2)
        ip[data[i] % sizeof(ip)] = data[i + 1];
    sla_icmp4(s, ip, 20 + n->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct net n = {.t = {.mono_us = 1, .wall_us = 1}};
    struct clock clock = clock_manual(&n.t);
    struct timerq timers = {0};
    struct sla_host host = {.timers = &timers,
                            .clock = &clock,
                            .send = on_send,
                            .connect = on_connect,
                            .disconnect = on_disconnect,
                            .random = on_random,
                            .ctx = &n};
    struct intent_sla v[] = {op(1, SLA_UDP_ECHO, AF_INET), op(2, SLA_TCP_CONNECT, AF_INET),
                             op(3, SLA_ICMP_ECHO, AF_INET6), op(4, SLA_ICMP_ECHO, AF_INET)};
    struct intent intent = {.n_sla = 4, .sla = v};
    struct addr from = v[0].target, from6 = v[2].target;
    struct sla *s = sla_new(&host);
    if (!s)
        abort();
    sla_apply(s, &intent);
    n.t.mono_us += 2000;
    timerq_run(&timers, n.t.mono_us, 100);
    nearly_right(s, &n, data, size);
    sla_icmp4(s, data, size);
    sla_icmp6(s, &from6, data, size);
    sla_udp(s, &from, 7, data, size);
    if (size >= 4)
        sla_connected(s, (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | data[2] << 8 | data[3],
                      data[0] & 1 ? 0 : -111);
    n.t.mono_us += USEC_PER_SEC;
    timerq_run(&timers, n.t.mono_us, 100);
    sla_free(s);
    timerq_free(&timers);
    return 0;
}
