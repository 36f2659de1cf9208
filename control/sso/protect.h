/*
 * `security ipsec PROFILE`: SCTP between the two boxes goes through IPsec or not at all.
 *
 * modes/derive_protect.c makes an interface of kind IF_PEER of each path: its map wants SCTP
 * between the two addresses protected, its shadow TUN gets all that the box sends to the peer, by
 * the crypto table, and what is not SCTP passes on. IKE and IPsec are those of any map.
 *
 * What protects is there before anything is sent, and what comes in counts only when it was
 * decrypted: the local table would bring it in clear, too.
 */
#ifndef TANDEM_CONTROL_SSO_PROTECT_H
#define TANDEM_CONTROL_SSO_PROTECT_H

#include "control/sso/sso.h"
#include <stdio.h>

struct protect {
    bool wanted;
    struct {
        uint32_t tun; /* ifindex of the shadow TUN; 0: nothing may be sent */
    } path[SSO_ADDRS];
};

/* What the interface that stands for a path is called. */
static inline void protect_name(unsigned path, char *buf, size_t cap)
{
    snprintf(buf, cap, "SSO%u", path + 1);
}
/* Looks what is there; in a round, and so after all news from the kernel. */
void protect_look(const struct control *c, struct protect *p);
/* May something be sent by this path? */
static inline bool protect_ready(const struct protect *p, unsigned path)
{
    return !p->wanted || p->path[path].tun;
}
/* Does a packet count that came by this path and this device? */
static inline bool protect_admits(const struct protect *p, unsigned path, uint32_t ifindex)
{
    return !p->wanted || (ifindex && p->path[path].tun == ifindex);
}

#endif
