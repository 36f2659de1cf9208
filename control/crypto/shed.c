/*
 * Shedding first messages. See shed.h. The filter is classic BPF: it sees a datagram from its UDP
 * header on, and the IP header by SKF_NET_OFF.
 */
#include "control/crypto/shed.h"
#include "control/ike/codec.h"
#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>

#define STEP_UP   (USEC_PER_SEC / 20) /* what is in the buffer already has been read by then */
#define STEP_DOWN (USEC_PER_SEC / 2)

#define UDP_LEN 8
/* Places in the IKE header, RFC 7296 §3.1 */
#define AT_NEXT     (UDP_LEN + 16)
#define AT_EXCHANGE (UDP_LEN + 18)
#define AT_FLAGS    (UDP_LEN + 19)
#define AT_SRC4     (SKF_NET_OFF + 12)
#define AT_SRC6     (SKF_NET_OFF + 8)
#define RANDOM      (SKF_AD_OFF + SKF_AD_RANDOM)

#define LOAD_BYTE (BPF_LD | BPF_B | BPF_ABS)
#define LOAD_WORD (BPF_LD | BPF_W | BPF_ABS)
#define LOAD_LEN  (BPF_LD | BPF_W | BPF_LEN)
#define IF_EQUAL  (BPF_JMP | BPF_JEQ | BPF_K)
#define IF_LEAST  (BPF_JMP | BPF_JGE | BPF_K)
#define IF_BITS   (BPF_JMP | BPF_JSET | BPF_K)
#define AND       (BPF_ALU | BPF_AND | BPF_K)
#define RETURN    (BPF_RET | BPF_K)
#define WHOLE     UINT32_MAX

#define STEPS_PEER 9 /* of one IPv6 address: four words, and the end */

struct program {
    struct sock_filter v[32 + SHED_PEERS * STEPS_PEER];
    unsigned short n;
};

bool shed_step(struct shed *s, usec_t now, uint32_t used, uint32_t size)
{
    unsigned before = s->level;
    if (used > size / 4 && s->level < SHED_MOST && (!s->level || now - s->changed >= STEP_UP))
        s->level++;
    else if (used < size / 32 && s->level && now - s->changed >= STEP_DOWN)
        s->level--;
    if (s->level == before)
        return false;
    s->changed = now;
    return true;
}

/* yes, no: how many instructions are left out */
static void put(struct program *p, int code, uint32_t k, unsigned yes, unsigned no)
{
    p->v[p->n++] = (struct sock_filter){(uint16_t)code, (uint8_t)yes, (uint8_t)no, k};
}

static uint32_t word(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Lets in what comes from here. */
static void put_peer(struct program *p, const struct addr *a)
{
    unsigned words = (unsigned)addr_size(a) / 4;
    int at = a->family == AF_INET6 ? AT_SRC6 : AT_SRC4;
    for (unsigned i = 0; i < words; i++) {
        put(p, LOAD_WORD, (uint32_t)(at + 4 * (int)i), 0, 0);
        put(p, IF_EQUAL, word(a->b + 4 * i), 0, 2 * (words - 1 - i) + 1);
    }
    put(p, RETURN, WHOLE, 0, 0);
}

static void build(struct program *p, uint8_t family, unsigned level, const struct addr *peers,
                  size_t n)
{
    unsigned taken = 0;
    put(p, LOAD_LEN, 0, 0, 0);
    put(p, IF_LEAST, UDP_LEN + IKE_HEADER_LEN, 1, 0);
    put(p, RETURN, WHOLE, 0, 0); /* noise: counted by who reads it */
    put(p, LOAD_BYTE, AT_EXCHANGE, 0, 0);
    put(p, IF_EQUAL, X_SA_INIT, 1, 0);
    put(p, RETURN, WHOLE, 0, 0);
    put(p, LOAD_BYTE, AT_FLAGS, 0, 0);
    put(p, IF_BITS, IKE_F_RESPONSE, 0, 1);
    put(p, RETURN, WHOLE, 0, 0);
    if (level < SHED_MOST) {
        put(p, LOAD_BYTE, AT_NEXT, 0, 0); /* a cookie comes first, RFC 7296 §2.6 */
        put(p, IF_EQUAL, PL_NOTIFY, 0, 1);
        put(p, RETURN, WHOLE, 0, 0);
        for (size_t i = 0; i < n && taken < SHED_PEERS; i++)
            if (peers[i].family == family) {
                put_peer(p, &peers[i]);
                taken++;
            }
    }
    put(p, LOAD_WORD, (uint32_t)RANDOM, 0, 0);
    put(p, AND, (1u << level) - 1, 0, 0);
    put(p, IF_EQUAL, 0, 0, 1);
    put(p, RETURN, WHOLE, 0, 0);
    put(p, RETURN, 0, 0, 0);
}

int shed_attach(int fd, uint8_t family, unsigned level, const struct addr *peers, size_t n)
{
    struct program p = {.n = 0};
    int none = 0;
    if (!level)
        return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)) < 0 ? -errno : 0;
    build(&p, family, level, peers, n);
    struct sock_fprog prog = {.len = p.n, .filter = p.v};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno : 0;
}
