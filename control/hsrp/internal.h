/* What the files of a group share. */
#ifndef TANDEM_CONTROL_HSRP_INTERNAL_H
#define TANDEM_CONTROL_HSRP_INTERNAL_H

#include "control/hsrp/group.h"

#define HSRP_HOLD_MOST 255000u /* ms; who tells more is believed this much */

/* What an event is about; NULL where it is no message. */
struct hsrp_heard {
    const struct hsrp_message *m;
    const struct addr *from;
    const uint8_t *mac; /* who sent the frame */
};

void hsrp_event(struct hsrp_group *g, enum hsrp_event e, const struct hsrp_heard *h);
void hsrp_set_peer(struct hsrp_group *g, struct hsrp_peer *which, const struct hsrp_peer *p);
bool hsrp_is_higher(const struct hsrp_group *g, uint32_t priority, const struct addr *addr);
/* One line of debugging, for those who asked: "HSRP: Fa0/0 Grp 1 …". */
__attribute__((format(printf, 3, 4))) void hsrp_debug(const struct hsrp_group *g,
                                                      enum hsrp_debug cls, const char *fmt, ...);

/* message.c */
size_t hsrp_group_frame(const struct hsrp_group *g, enum hsrp_op op, uint8_t out[HSRP_FRAME]);
bool hsrp_group_authentic(const struct hsrp_group *g, const struct hsrp_message *m,
                          const uint8_t *p, size_t n);
/* A key goes: it may still be taken for a while. */
void hsrp_group_retire_key(struct hsrp_group *g, const struct hsrp_cfg *next);
void hsrp_group_told_out(struct hsrp_group *g, enum hsrp_op op, uint64_t n);
void hsrp_debug_packet(const struct hsrp_group *g, enum hsrp_op op, bool in, const struct addr *who,
                       enum hsrp_state s, uint32_t priority, const struct addr *vip);

#endif
