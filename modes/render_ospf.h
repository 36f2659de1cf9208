/* The layouts of OSPF's shows, made from ospfd's answers in JSON. Pure; an answer of another shape
 * gives a shorter show. */
#ifndef TANDEM_MODES_RENDER_OSPF_H
#define TANDEM_MODES_RENDER_OSPF_H

#include "lib/addr.h"
#include "lib/str.h"
#include <jansson.h>

struct ospf_shown {
    unsigned process;
    struct addr id;
    const char *only; /* this interface alone; NULL: all */
    bool brief;
    const struct intent *intent;
    const char *(*port)(void *ctx, const char *netdev); /* the name people know it by */
    void *ctx;
};

typedef void ospf_render_fn(struct str *out, json_t *answer, const struct ospf_shown *s);
ospf_render_fn render_ospf;            /* show ip ospf json */
ospf_render_fn render_ospf_neighbors;  /* show ip ospf neighbor json */
ospf_render_fn render_ospf_interfaces; /* show ip ospf interface json */
ospf_render_fn render_ospf_database;   /* show ip ospf database json */
ospf_render_fn render_ospf_borders;    /* show ip ospf route json */

/* Lines about what comes from elsewhere, and how many areas of which kind there are. */
void render_ospf_sources(struct str *out, const struct intent *i);
void render_ospf_areas(struct str *out, const struct intent *i);

#endif
