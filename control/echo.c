/* ICMP echo on the wire. See echo.h. */
#include "control/echo.h"
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#define IP_HEADER  20
#define IP6_HEADER 40

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

size_t echo_write(uint8_t *out, uint8_t family, uint16_t id, uint16_t seq, size_t n)
{
    out[0] = family == AF_INET6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
    out[1] = 0;
    put16(out + 2, 0);
    put16(out + 4, id);
    put16(out + 6, seq);
    if (family != AF_INET6)
        put16(out + 2, checksum(out, ECHO_HEADER + n));
    return ECHO_HEADER + n;
}

/* icmp is the message that has the numbers: a reply, or the request that an error quotes. */
static bool numbers(const uint8_t *icmp, struct echo_answer *a)
{
    a->id = get16(icmp + 4);
    a->seq = get16(icmp + 6);
    return true;
}

static bool reply(const uint8_t *icmp, size_t len, struct echo_answer *a)
{
    a->payload = icmp + ECHO_HEADER;
    a->len = len - ECHO_HEADER;
    return numbers(icmp, a);
}

static void error(const uint8_t *icmp, struct echo_answer *a)
{
    a->error = true;
    a->type = icmp[0];
    a->code = icmp[1];
}

/* An error carries the header and the first 8 bytes of the packet it is about (RFC 792). */
static bool error4(const uint8_t *icmp, size_t len, struct echo_answer *a)
{
    const uint8_t *in = icmp + ECHO_HEADER;
    size_t left = len - ECHO_HEADER, hdr = left >= IP_HEADER ? (size_t)(in[0] & 15) * 4 : 0;
    if (hdr < IP_HEADER || left < hdr + ECHO_HEADER || in[9] != IPPROTO_ICMP ||
        in[hdr] != ICMP_ECHO)
        return false;
    error(icmp, a);
    a->about.family = AF_INET;
    memcpy(a->about.b, in + 16, 4);
    return numbers(in + hdr, a);
}

bool echo_read4(const uint8_t *ip, size_t len, struct echo_answer *a)
{
    size_t hdr = len >= IP_HEADER ? (size_t)(ip[0] & 15) * 4 : 0;
    *a = (struct echo_answer){0};
    if (hdr < IP_HEADER || len < hdr + ECHO_HEADER)
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
static bool error6(const uint8_t *icmp, size_t len, struct echo_answer *a)
{
    const uint8_t *in = icmp + ECHO_HEADER;
    size_t left = len - ECHO_HEADER, hdr = IP6_HEADER;
    uint8_t next = left >= IP6_HEADER ? in[6] : 0;
    if (next == IPPROTO_FRAGMENT && left >= hdr + 8) {
        next = in[hdr];
        hdr += 8;
    }
    if (next != IPPROTO_ICMPV6 || left < hdr + ECHO_HEADER || in[hdr] != ICMP6_ECHO_REQUEST)
        return false;
    error(icmp, a);
    a->about.family = AF_INET6;
    memcpy(a->about.b, in + 24, 16);
    return numbers(in + hdr, a);
}

bool echo_read6(const uint8_t *icmp, size_t len, struct echo_answer *a)
{
    *a = (struct echo_answer){0};
    if (len < ECHO_HEADER)
        return false;
    if (icmp[0] == ICMP6_ECHO_REPLY)
        return reply(icmp, len, a);
    return icmp[0] >= ICMP6_DST_UNREACH && icmp[0] <= ICMP6_PARAM_PROB && error6(icmp, len, a);
}
