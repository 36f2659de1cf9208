/* Probes on the wire. See probe.h. */
#include "control/sla/probe.h"
#include "control/echo.h"
#include <string.h>

#define NONCE       8
#define UDP_NUMBERS 4 /* slot and seq lead the payload of a datagram */

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* Byte number i of the payload behind the numbers. */
static uint8_t payload_byte(const struct probe *p, size_t i)
{
    return i < NONCE ? (uint8_t)(p->nonce >> (8 * (NONCE - 1 - i)))
                     : (uint8_t)(p->pattern >> (8 * (3 - i % 4)));
}

static void put_payload(uint8_t *out, const struct probe *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = payload_byte(p, i);
}

/* How much of the payload follows the numbers. */
static size_t rest(const struct probe *p)
{
    size_t n = p->size < PROBE_PAYLOAD ? p->size : PROBE_PAYLOAD;
    if (p->udp)
        return n > UDP_NUMBERS ? n - UDP_NUMBERS : 0;
    return n;
}

static uint16_t wire_id(const struct probe *p)
{
    return (uint16_t)(PROBE_ID_BIT | p->slot);
}

static void put_numbers(uint8_t *out, const struct probe *p)
{
    put16(out, wire_id(p));
    put16(out + 2, p->seq);
}

size_t probe_write(uint8_t *out, uint8_t family, const struct probe *p)
{
    size_t n = rest(p);
    if (p->udp) {
        put_numbers(out, p);
        put_payload(out + UDP_NUMBERS, p, n);
        return UDP_NUMBERS + n;
    }
    put_payload(out + ECHO_HEADER, p, n);
    return echo_write(out, family, wire_id(p), p->seq, n);
}

static bool numbers(uint16_t id, uint16_t seq, struct probe_answer *a)
{
    a->slot = (uint16_t)(id & ~PROBE_ID_BIT);
    a->seq = seq;
    return id & PROBE_ID_BIT;
}

static bool from_echo(const struct echo_answer *e, struct probe_answer *a)
{
    a->kind = e->error ? PROBE_ERROR : PROBE_REPLY;
    a->from = e->from;
    a->about = e->about;
    a->type = e->type;
    a->code = e->code;
    a->payload = e->payload;
    a->len = e->len;
    return numbers(e->id, e->seq, a);
}

bool probe_read_icmp4(const uint8_t *ip, size_t len, struct probe_answer *a)
{
    struct echo_answer e;
    return echo_read4(ip, len, &e) && from_echo(&e, a);
}

bool probe_read_icmp6(const uint8_t *icmp, size_t len, struct probe_answer *a)
{
    struct echo_answer e;
    return echo_read6(icmp, len, &e) && from_echo(&e, a);
}

bool probe_read_udp(const uint8_t *p, size_t len, struct probe_answer *a)
{
    *a = (struct probe_answer){.kind = PROBE_REPLY};
    if (len < UDP_NUMBERS)
        return false;
    a->payload = p + UDP_NUMBERS;
    a->len = len - UDP_NUMBERS;
    return numbers(get16(p), get16(p + 2), a);
}

static bool begins_with(const struct probe *p, const struct probe_answer *a, size_t n)
{
    if (a->len < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (a->payload[i] != payload_byte(p, i))
            return false;
    return true;
}

bool probe_nonce_ok(const struct probe *p, const struct probe_answer *a)
{
    return begins_with(p, a, rest(p) < NONCE ? rest(p) : NONCE);
}

bool probe_payload_ok(const struct probe *p, const struct probe_answer *a)
{
    return a->len == rest(p) && begins_with(p, a, rest(p));
}
