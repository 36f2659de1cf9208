/*
 * show ip ospf and what belongs to it: ospfd is asked, and its answer printed as the platform does.
 * show ip protocols needs nobody.
 */
#include "modes/internal.h"
#include "modes/render.h"
#include "modes/render_ospf.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct asking {
    struct cmd *cmd; /* NULL once its session is gone */
    ospf_render_fn *render;
    char only[INTENT_NAME];
    bool brief;
};

void ospf_absent_text(struct str *out)
{
    str_add(out, "% OSPF does not run: FRR is not installed on this host (package frr)\n");
}

static const char *port(void *ctx, const char *netdev)
{
    return query_port_of((const struct control *)ctx, netdev);
}

static int print(struct cmd *c, const struct asking *a, const char *text, size_t len)
{
    const struct intent *i = query_intent(c->control);
    struct ospf_shown s = {.process = i->ospf.process,
                           .id = query_ospf_id(c->control),
                           .only = a->only[0] ? a->only : NULL,
                           .brief = a->brief,
                           .intent = i,
                           .port = port,
                           .ctx = c->control};
    struct str out = {0};
    json_t *answer = json_loadb(text, len, 0, NULL);
    if (!answer)
        return -EINVAL;
    a->render(&out, answer, &s);
    cmd_puts(c, str_text(&out));
    str_free(&out);
    json_decref(answer);
    return 0;
}

static void refuse(struct cmd *c, int err)
{
    struct str out = {0};
    if (err == -ENOENT)
        ospf_absent_text(&out);
    else if (err == -ENOTCONN || err == -EPIPE)
        str_add(&out, "% OSPF is starting, and does not answer yet\n");
    else
        str_printf(&out, "%% OSPF does not answer: %s\n", strerror(-err));
    cmd_puts(c, str_text(&out));
    str_free(&out);
}

static void on_answer(void *ctx, int err, const char *text, size_t len)
{
    struct asking *a = (struct asking *)ctx;
    struct cmd *c = a->cmd;
    if (c) {
        c->state = NULL;
        c->on_abort = NULL;
        if (!err)
            err = print(c, a, text, len);
        if (err)
            refuse(c, err);
        cmd_done(c, err ? CMD_REFUSED : CMD_OK);
    }
    free(a);
}

static void on_abort(struct cmd *c)
{
    ((struct asking *)c->state)->cmd = NULL; /* the answer still comes, for nobody */
    cmd_done(c, CMD_REFUSED);
}

static int ask(struct cmd *c, const char *command, struct asking from)
{
    const struct intent *i = query_intent(c->control);
    struct addr id = query_ospf_id(c->control);
    if (!i->ospf.process)
        return CMD_OK;
    if (query_routing_present(c->control) && !addr_is_set(&id)) {
        cmd_printf(c, "%%OSPF: Router process %u is not running, please configure a router-id\n",
                   i->ospf.process);
        return CMD_OK;
    }
    struct asking *a = (struct asking *)malloc(sizeof *a);
    if (!a)
        return CMD_REFUSED;
    *a = from;
    a->cmd = c;
    c->state = a;
    c->on_abort = on_abort;
    int err = query_ospf(c->control, command, on_answer, a);
    if (err)
        on_answer(a, err, "", 0);
    return CMD_ASYNC;
}

int show_ospf(struct cmd *c, const struct a_show_ospf *a)
{
    (void)a;
    return ask(c, "show ip ospf json", (struct asking){.render = render_ospf});
}

int show_ospf_neighbor(struct cmd *c, const struct a_show_ospf_neighbor *a)
{
    (void)a;
    return ask(c, "show ip ospf neighbor json", (struct asking){.render = render_ospf_neighbors});
}

int show_ospf_interface(struct cmd *c, const struct a_show_ospf_interface *a)
{
    struct asking k = {.render = render_ospf_interfaces, .brief = a->brief};
    if (a->has_ifname)
        str_copy(k.only, sizeof k.only, a->ifname);
    return ask(c, "show ip ospf interface json", k);
}

int show_ospf_database(struct cmd *c, const struct a_show_ospf_database *a)
{
    (void)a;
    return ask(c, "show ip ospf database json", (struct asking){.render = render_ospf_database});
}

int show_ospf_border(struct cmd *c, const struct a_show_ospf_border *a)
{
    (void)a;
    return ask(c, "show ip ospf route json", (struct asking){.render = render_ospf_borders});
}

/* --- show ip protocols ---------------------------------------------------------------------------
 */

static void networks(struct cmd *c, const struct cfg_node *ospf)
{
    cmd_puts(c, "  Routing for Networks:\n");
    cfg_each(ospf, E_OSPF_NETWORK, n)
    {
        const struct a_ospf_network *a = CFG_ARGS(n, ospf_network);
        char net[ADDR_STRLEN], wild[ADDR_STRLEN];
        cmd_printf(c, "    %s %s area %u\n", addr_print(&a->addr, net, sizeof net),
                   addr_print(&a->wild, wild, sizeof wild),
                   a->has_area ? (unsigned)a->area : addr_v4(&a->dotted));
    }
}

static void passive(struct cmd *c, const struct intent *i)
{
    bool head = false;
    for (uint32_t k = 0; k < i->n_if; k++) {
        if (!i->ifs[k].ospf.on || !i->ifs[k].ospf.passive)
            continue;
        if (!head)
            cmd_puts(c, "  Passive Interface(s):\n");
        head = true;
        cmd_printf(c, "    %s\n", i->ifs[k].name);
    }
}

/* The neighbours that routes lead to, each with the age of its latest. */
static void sources(struct cmd *c)
{
    struct route_list l = {.family = AF_INET};
    usec_t now = clock_mono(control_clock(c->control));
    query_routes(c->control, route_collect, &l);
    cmd_puts(c, "  Routing Information Sources:\n    Gateway         Distance      Last Update\n");
    for (size_t i = 0; i < l.n; i++) {
        const struct query_route *r = &l.r[i];
        usec_t latest = r->since;
        bool first = r->source == RIB_OSPF;
        for (size_t k = 0; k < l.n && first; k++)
            if (l.r[k].source == RIB_OSPF && addr_eq(&l.r[k].gateway, &r->gateway)) {
                first = k >= i;
                latest = l.r[k].since > latest ? l.r[k].since : latest;
            }
        char gw[ADDR_STRLEN], age[32];
        if (!first)
            continue;
        cmd_age(age, sizeof age, (now - latest) / USEC_PER_SEC);
        cmd_printf(c, "    %-16s%8u      %s\n", addr_print(&r->gateway, gw, sizeof gw), r->distance,
                   age);
    }
    free(l.r);
}

int show_ip_protocols(struct cmd *c, const struct a_show_ip_protocols *a)
{
    const struct intent *i = query_intent(c->control);
    const struct cfg_node *ospf = cfg_first(c->tree->root, E_OSPF);
    struct addr id = query_ospf_id(c->control);
    char text[ADDR_STRLEN];
    struct str out = {0};
    (void)a;
    if (!ospf || !i->ospf.process)
        return CMD_OK;
    cmd_printf(c, "Routing Protocol is \"ospf %u\"\n", i->ospf.process);
    if (!query_routing_present(c->control)) {
        ospf_absent_text(&out);
        cmd_puts(c, str_text(&out));
        str_clear(&out);
    }
    cmd_puts(c, "  Outgoing update filter list for all interfaces is not set\n"
                "  Incoming update filter list for all interfaces is not set\n");
    cmd_printf(c, "  Router ID %s\n",
               addr_is_set(&id) ? addr_print(&id, text, sizeof text) : "0.0.0.0");
    if (i->ospf.statics.on || i->ospf.connected.on || i->ospf.originate.on)
        cmd_puts(c, "  It is an autonomous system boundary router\n");
    render_ospf_sources(&out, i);
    str_add(&out, "  ");
    render_ospf_areas(&out, i);
    cmd_puts(c, str_text(&out));
    str_free(&out);
    cmd_puts(c, "  Maximum path: 4\n");
    networks(c, ospf);
    passive(c, i);
    sources(c);
    cmd_printf(c, "  Distance: (default is %u)\n\n", OSPF_DISTANCE);
    return CMD_OK;
}
