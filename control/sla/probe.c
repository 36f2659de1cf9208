/* Probes on the wire. See probe.h. */
#include "control/sla/probe.h"
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#define IP_HEADER   20
#define IP6_HEADER  40
#define ICMP_HEADER 8
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

/* RFC 1071. */
static uint16_t checksum(const uint8_t *p, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < n; i += 2)
        sum += get16(p + i);
    if (n & 1)
        sum += (uint32_t)p[n - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
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

static void put_numbers(uint8_t *out, const struct probe *p)
{
    put16(out, (uint16_t)(PROBE_ID_BIT | p->slot));
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
    out[0] = family == AF_INET6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
    out[1] = 0;
    put16(out + 2, 0);
    put_numbers(out + 4, p);
    put_payload(out + ICMP_HEADER, p, n);
    if (family != AF_INET6)
        put16(out + 2, checksum(out, ICMP_HEADER + n));
    return ICMP_HEADER + n;
}

static bool numbers(const uint8_t *p, struct probe_answer *a)
{
    uint16_t id = get16(p);
    a->slot = (uint16_t)(id & ~PROBE_ID_BIT);
    a->seq = get16(p + 2);
    return id & PROBE_ID_BIT;
}

static bool reply(const uint8_t *icmp, size_t len, struct probe_answer *a)
{
    a->kind = PROBE_REPLY;
    a->payload = icmp + ICMP_HEADER;
    a->len = len - ICMP_HEADER;
    return numbers(icmp + 4, a);
}

/* `in` is the request as an error quotes it, behind its IP header. */
static bool quoted(const uint8_t *icmp, const uint8_t *in, struct probe_answer *a)
{
    a->kind = PROBE_ERROR;
    a->type = icmp[0];
    a->code = icmp[1];
    return numbers(in + 4, a);
}

/* An error carries the header and the first 8 bytes of the packet it is about (RFC 792). */
static bool error4(const uint8_t *icmp, size_t len, struct probe_answer *a)
{
    const uint8_t *in = icmp + ICMP_HEADER;
    size_t left = len - ICMP_HEADER, hdr = left >= IP_HEADER ? (size_t)(in[0] & 15) * 4 : 0;
    if (hdr < IP_HEADER || left < hdr + ICMP_HEADER || in[9] != IPPROTO_ICMP ||
        in[hdr] != ICMP_ECHO)
        return false;
    a->about.family = AF_INET;
    memcpy(a->about.b, in + 16, 4);
    return quoted(icmp, in + hdr, a);
}

bool probe_read_icmp4(const uint8_t *ip, size_t len, struct probe_answer *a)
{
    size_t hdr = len >= IP_HEADER ? (size_t)(ip[0] & 15) * 4 : 0;
    *a = (struct probe_answer){0};
    if (hdr < IP_HEADER || len < hdr + ICMP_HEADER)
        return false;
    const uint8_t *icmp = ip + hdr;
    a->from.family = AF_INET;
    memcpy(a->from.b, ip + 12, 4);
    switch (icmp[0]) {
    case ICMP_ECHOREPLY:
        return reply(icmp, len - hdr, a);
    case ICMP_DEST_UNREACH:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETERPROB:
        return error4(icmp, len - hdr, a);
    default:
        return false;
    }
}

/* RFC 4443 §3: as much of the packet as fits. Ours have no extension header but a fragment's. */
static bool error6(const uint8_t *icmp, size_t len, struct probe_answer *a)
{
    const uint8_t *in = icmp + ICMP_HEADER;
    size_t left = len - ICMP_HEADER, hdr = IP6_HEADER;
    uint8_t next = left >= IP6_HEADER ? in[6] : 0;
    if (next == IPPROTO_FRAGMENT && left >= hdr + 8) {
        next = in[hdr];
        hdr += 8;
    }
    if (next != IPPROTO_ICMPV6 || left < hdr + ICMP_HEADER || in[hdr] != ICMP6_ECHO_REQUEST)
        return false;
    a->about.family = AF_INET6;
    memcpy(a->about.b, in + 24, 16);
    return quoted(icmp, in + hdr, a);
}

bool probe_read_icmp6(const uint8_t *icmp, size_t len, struct probe_answer *a)
{
    *a = (struct probe_answer){0};
    if (len < ICMP_HEADER)
        return false;
    if (icmp[0] == ICMP6_ECHO_REPLY)
        return reply(icmp, len, a);
    return icmp[0] >= ICMP6_DST_UNREACH && icmp[0] <= ICMP6_PARAM_PROB && error6(icmp, len, a);
}

bool probe_read_udp(const uint8_t *p, size_t len, struct probe_answer *a)
{
    *a = (struct probe_answer){.kind = PROBE_REPLY};
    if (len < UDP_NUMBERS)
        return false;
    a->payload = p + UDP_NUMBERS;
    a->len = len - UDP_NUMBERS;
    return numbers(p, a);
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
