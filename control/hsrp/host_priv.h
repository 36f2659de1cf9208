/* What the files share that bind groups to this box. */
#ifndef TANDEM_CONTROL_HSRP_HOST_PRIV_H
#define TANDEM_CONTROL_HSRP_HOST_PRIV_H

#include "control/hsrp/hsrp.h"
#include "control/hsrp/pacer.h"
#include "control/journal.h"
#include "control/priv.h"

_Static_assert(PACER_ROWS == HSRP_GROUPS, "a group is where its row is");

/* A group of this box. Its number in hsrp.member is its row of the pacer. */
struct hsrp_member {
    struct hsrp_group g; /* first: what the group's host gets is the member, too */
    bool wanted;         /* in the round under way */
    bool keeps;          /* its addresses stand here, whoever is active */
    uint32_t ifindex;    /* 0: no device */
    uint32_t joined;     /* the device on which we hear its version */
    uint8_t joined_version;
    struct pacer_row hello; /* as it was given to the pacer */
    usec_t next;            /* resumed: when the next hello of the engine before is due */
};

struct hsrp {
    struct control *c;
    struct hsrp_host host;
    struct pacer *pacer;
    int told; /* the pacer writes to it */
    struct event *ev_told;
    int hears, arp; /* sockets; -1: none yet */
    struct event *ev_hears, *ev_arp;
    bool bound;        /* they are told what to hear: not before there is a group */
    bool booted;       /* the first round with a configuration is over */
    bool together;     /* hsrp_together() */
    usec_t hold_until; /* monotonic: hsrp_hold() */
    struct hsrp_member *member[PACER_ROWS];
    unsigned n; /* rows in use or free below it */
    struct {
        void (*fn)(void *ctx, const struct hsrp_group *g, enum hsrp_state was);
        void *ctx;
    } listener[HSRP_LISTENERS];
    unsigned n_listeners;
    uint64_t bad[HSRP_BADS];
    struct log_limit own, full;
};

static inline const struct hsrp_member *hsrp_member_of(const struct hsrp_group *g)
{
    return (const struct hsrp_member *)g;
}

/* messages.c: what is told of groups */
void hsrp_tell_change(struct hsrp *h, const struct hsrp_group *g, enum hsrp_state was);
void hsrp_tell(void *ctx, const struct hsrp_group *g, enum hsrp_tell what,
               const struct hsrp_message *m, const struct addr *from, const uint8_t *mac);
void hsrp_tell_own(struct hsrp *h, const struct hsrp_group *g, const struct hsrp_datagram *d);
bool hsrp_debugs(void *ctx, enum hsrp_debug cls);
void hsrp_debug_line(void *ctx, const char *line);
void hsrp_debug_bad(struct hsrp *h, const struct hsrp_datagram *d, const char *ifname,
                    enum hsrp_bad why);

/* socket.c: frames in and out */
void hsrp_socket_open(struct hsrp *h, enum launch_socket kind, int fd);
void hsrp_socket_close(struct hsrp *h);
void hsrp_socket_bind(struct hsrp *h);
void hsrp_drain(void *ctx);
void hsrp_send(void *ctx, const struct hsrp_group *g, const uint8_t *frame, size_t n);
/* Hears its version on its device, and not on another one any more. */
void hsrp_join(struct hsrp *h, struct hsrp_member *m);

/* vip.c: virtual addresses */
void hsrp_vip(struct hsrp *h, const struct hsrp_member *m); /* now */
void hsrp_vips(struct hsrp *h);                             /* in a round */
/* Its addresses are there, if it wants any. */
bool hsrp_vip_stands(const struct hsrp *h, const struct hsrp_member *m);

/* keep.c: for a successor */
void hsrp_keep(void *ctx, const struct hsrp_group *g);
/* Hellos of the engine before go on, until there is a configuration. */
void hsrp_continue(struct hsrp *h);
/* What is known of this group from the engine before. */
bool hsrp_kept(struct hsrp *h, const struct hsrp_cfg *cfg, const struct hsrp_link *link,
               struct hsrp_saved *out);
/* The first round is over: what nobody has taken up is forgotten. */
void hsrp_kept_end(struct hsrp *h);

#endif
