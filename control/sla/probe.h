/*
 * What a probe looks like on the wire. Pure: bytes in, bytes out.
 *
 * An echo request of ICMP (RFC 792, RFC 4443 §4.1) or a UDP datagram carries a number that finds
 * its operation, and a nonce by which the answer proves that somebody has seen the request. The
 * rest of the payload is a pattern.
 */
#ifndef TANDEM_CONTROL_SLA_PROBE_H
#define TANDEM_CONTROL_SLA_PROBE_H

#include "lib/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Identifiers of probes have this bit, those of the box's own pings do not. */
#define PROBE_ID_BIT  0x8000u
#define PROBE_SLOTS   0x8000u
#define PROBE_PAYLOAD 16384u               /* the most */
#define PROBE_BYTES   (PROBE_PAYLOAD + 16) /* room for any message */

struct probe {
    uint16_t slot; /* below PROBE_SLOTS */
    uint16_t seq;
    uint64_t nonce;
    bool udp;
    uint32_t size, pattern; /* of the payload; of UDP 4 bytes at least */
};

/* Writes the ICMP message or the payload of the datagram into out[PROBE_BYTES] and returns its
 * length. The checksum of ICMPv6 is the kernel's (RFC 3542 §3.1). */
size_t probe_write(uint8_t *out, uint8_t family, const struct probe *p);

enum probe_kind {
    PROBE_REPLY,
    PROBE_ERROR, /* of ICMP, about a request of this slot and seq to `about` */
};

struct probe_answer {
    enum probe_kind kind;
    uint16_t slot, seq;
    struct addr from;       /* IPv4: of the packet; else unset */
    struct addr about;      /* error: where the request went to */
    uint8_t type, code;     /* error */
    const uint8_t *payload; /* reply: what follows the numbers */
    size_t len;
};

/* false: it is no answer to a probe. */
bool probe_read_icmp4(const uint8_t *ip, size_t len, struct probe_answer *a);
bool probe_read_icmp6(const uint8_t *icmp, size_t len, struct probe_answer *a);
bool probe_read_udp(const uint8_t *p, size_t len, struct probe_answer *a);
/* The answer brings the nonce back, as far as the request had room for it. */
bool probe_nonce_ok(const struct probe *p, const struct probe_answer *a);
/* It has the length and every byte of the request. */
bool probe_payload_ok(const struct probe *p, const struct probe_answer *a);

#endif
