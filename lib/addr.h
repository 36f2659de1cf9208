/*
 * Addresses, prefixes and ranges of IPv4 and IPv6, without any I/O.
 *
 * One struct serves both families. Bytes are in network order, so that memcmp()
 * over the used bytes orders addresses. A zeroed struct is "no address".
 */
#ifndef TANDEM_LIB_ADDR_H
#define TANDEM_LIB_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDR_STRLEN   46 /* INET6_ADDRSTRLEN */
#define PREFIX_STRLEN 50

struct addr {
    uint8_t family; /* 0 = none, AF_INET, AF_INET6 */
    uint8_t b[16];  /* network order; the first 4 bytes for AF_INET */
};

struct prefix {
    struct addr addr;
    uint8_t len; /* 0..32 or 0..128 */
};

struct addr_range {
    struct addr lo, hi; /* inclusive, same family */
};

struct addr addr_from_v4(uint32_t host_order);
uint32_t addr_v4(const struct addr *a); /* host order; 0 when not AF_INET */

/* Dotted quad or RFC 4291 text. Octets may have leading zeros ("255.255.255.00"
 * stands in seed 000) and are read as decimal. Returns 0 or -1. */
int addr_parse(const char *text, struct addr *out);
/* Writes at most cap bytes with the NUL and returns buf. "" for "no address". */
char *addr_print(const struct addr *a, char *buf, size_t cap);
int addr_cmp(const struct addr *a, const struct addr *b); /* family, then bytes */
static inline bool addr_eq(const struct addr *a, const struct addr *b)
{
    return addr_cmp(a, b) == 0;
}
static inline bool addr_is_set(const struct addr *a)
{
    return a->family != 0;
}
bool addr_is_any(const struct addr *a);        /* 0.0.0.0 or :: */
bool addr_is_link_local(const struct addr *a); /* fe80::/10 */
unsigned addr_size(const struct addr *a);      /* 4, 16 or 0 bytes */
unsigned addr_bits(const struct addr *a);      /* 32, 128 or 0 */

/* Netmask <-> prefix length. -1 where the mask is not contiguous. */
int addr_mask_to_len(const struct addr *mask);
struct addr addr_len_to_mask(uint8_t family, unsigned len);

struct prefix prefix_make(const struct addr *a, unsigned len); /* host bits cleared */
bool prefix_contains(const struct prefix *p, const struct addr *a);
/* True when every address of inner lies in outer. */
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);
int prefix_cmp(const struct prefix *a, const struct prefix *b);
struct addr_range prefix_range(const struct prefix *p);
char *prefix_print(const struct prefix *p, char *buf, size_t cap); /* "a.b.c.d/n" */
/* The smallest prefix that is exactly the range; false where the range is not one. */
bool range_to_prefix(const struct addr_range *r, struct prefix *out);
bool range_covers(const struct addr_range *outer, const struct addr_range *inner);
/* Intersection; false when empty or of two families. */
bool range_intersect(const struct addr_range *a, const struct addr_range *b,
                     struct addr_range *out);

/* To and from kernel socket addresses. Return the length, or -1. */
int addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *ss);
int addr_from_sockaddr(const struct sockaddr *sa, struct addr *a, uint16_t *port);

#endif
