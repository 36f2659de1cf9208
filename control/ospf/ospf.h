/*
 * OSPF: FRR's ospfd, driven by us. docs/control.md says why it is done so.
 *
 * The launcher runs zebra and ospfd while the configuration has a process, and hands over a
 * connection to ospfd's commands and the reading end of its log. What is wanted becomes a text of
 * FRR's, and the lines that differ from what ospfd was told are sent. Its log says that something
 * has happened; its routes are then asked for, and stand in the RIB beside the others.
 */
#ifndef TANDEM_CONTROL_OSPF_OSPF_H
#define TANDEM_CONTROL_OSPF_OSPF_H

#include "control/control.h"
#include "control/ospf/learn.h"
#include "control/ospf/vty.h"
#include "lib/str.h"

struct event;
struct query_route;

#define OSPF_LINE 512 /* of the log; what is longer is cut */

struct ospf {
    enum { OSPF_OFF, OSPF_ASKED, OSPF_MISSING, OSPF_UP } state;
    bool absent;        /* FRR is not installed, as far as is known */
    bool told_absent;   /* and that was said */
    struct addr id;     /* the router's name, kept while the process lives */
    struct str applied; /* what ospfd was told */
    struct vty *vty;
    int log;
    struct event *log_ev;
    char line[OSPF_LINE];
    size_t n_line;
    struct ospf_routes routes;
    struct timer look, retry;
    bool looking;
};

struct control;

int ospf_open(struct control *c);
void ospf_close(struct control *c);
/* A step of a round, behind the RIB: asks for what is wanted now. */
void ospf_apply(struct control *c);
/* The routes that ospfd knows, as candidates for the RIB; v is the caller's. False: no memory. */
bool ospf_candidates(const struct control *c, struct query_route **v, size_t *n);

#endif
