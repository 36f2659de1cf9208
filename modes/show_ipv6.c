/*
 * show ipv6 interface [brief]. IOS writes the digits of addresses large.
 */
#include "modes/internal.h"
#include "modes/render.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

static void put(struct str *out, const char *text, bool asa)
{
    for (; *text; text++)
        str_addc(out, asa ? *text : (char)toupper((unsigned char)*text));
}

static void put_addr(struct str *out, const struct addr *a, bool asa)
{
    char text[ADDR_STRLEN];
    put(out, addr_print(a, text, sizeof text), asa);
}

static bool speaks(const struct query_port *p)
{
    return p->ifp && p->ifp->ipv6;
}

static bool line_up(const struct query_port *p)
{
    return p->netdev[0] && p->admin_up && p->carrier;
}

static const char *status(const struct query_port *p)
{
    if (p->ifp ? p->ifp->shutdown : !p->admin_up)
        return "administratively down";
    return line_up(p) ? "up" : "down";
}

static const char *shown_name(const struct query_port *p, bool asa)
{
    return p->ifp ? if_shown_name(p->ifp, asa) : p->name;
}

void render_ipv6_brief(struct str *out, const struct query_port *p, bool asa)
{
    str_printf(out, asa ? "%s [%s/%s]\n" : "%-22s [%s/%s]\n", shown_name(p, asa), status(p),
               line_up(p) ? "up" : "down");
    if (!speaks(p)) {
        str_add(out, "    unassigned\n");
        return;
    }
    if (addr_is_set(&p->link6)) {
        str_add(out, "    ");
        put_addr(out, &p->link6, asa);
        str_addc(out, '\n');
    }
    for (unsigned i = 0; i < p->ifp->n_addr6; i++) {
        str_add(out, "    ");
        put_addr(out, &p->ifp->addr6[i].addr, asa);
        str_addc(out, '\n');
    }
}

void render_ipv6_interface(struct str *out, const struct query_port *p, bool asa)
{
    if (!speaks(p))
        return;
    str_printf(out, "%s is %s, line protocol is %s\n", shown_name(p, asa), status(p),
               line_up(p) ? "up" : "down");
    str_add(out, "  IPv6 is enabled, ");
    if (addr_is_set(&p->link6)) {
        str_add(out, "link-local address is ");
        put_addr(out, &p->link6, asa);
        str_addc(out, '\n');
    } else {
        str_add(out, "no link-local address\n");
    }
    str_add(out, p->ifp->n_addr6 ? "  Global unicast address(es):\n"
                                 : "  No global unicast address is configured\n");
    for (unsigned i = 0; i < p->ifp->n_addr6; i++) {
        const struct prefix *a = &p->ifp->addr6[i];
        struct prefix net = prefix_make(&a->addr, a->len);
        char text[PREFIX_STRLEN];
        str_add(out, "    ");
        put_addr(out, &a->addr, asa);
        str_add(out, ", subnet is ");
        put(out, prefix_print(&net, text, sizeof text), asa);
        str_addc(out, '\n');
    }
    if (!asa)
        str_printf(out, "  MTU is %u bytes\n", p->mtu);
}

/* --- the hooks ---------------------------------------------------------------------------------
 */

struct wish {
    struct cmd *c;
    const char *name, *nameif;
    unsigned there;
};

static bool one(void *ctx, const struct query_port *p)
{
    struct wish *w = (struct wish *)ctx;
    struct str out = {0};
    if (w->name && strcmp(w->name, p->name) != 0)
        return true;
    if (w->nameif && (!p->ifp || strcasecmp(w->nameif, p->ifp->nameif) != 0))
        return true;
    w->there++;
    render_ipv6_interface(&out, p, w->c->asa);
    cmd_puts(w->c, str_text(&out));
    str_free(&out);
    return true;
}

int show_ipv6_interface(struct cmd *c, const struct a_show_ipv6_interface *a)
{
    struct wish w = {.c = c,
                     .name = a->has_name ? a->name : NULL,
                     .nameif = a->has_nameif ? a->nameif : NULL};
    query_ports(c->control, one, &w);
    if (w.there || (!w.name && !w.nameif))
        return CMD_OK;
    cmd_printf(c,
               c->asa ? "ERROR: %% Interface %s does not exist\n"
                      : "%% Interface %s does not exist\n\n",
               w.name ? w.name : w.nameif);
    return CMD_REFUSED;
}

/* The ASA lists interfaces by their names: those without one are not in it. */
static bool brief(void *ctx, const struct query_port *p)
{
    struct cmd *c = (struct cmd *)ctx;
    struct str out = {0};
    if (c->asa && (!p->ifp || !p->ifp->nameif[0]))
        return true;
    render_ipv6_brief(&out, p, c->asa);
    cmd_puts(c, str_text(&out));
    str_free(&out);
    return true;
}

int show_ipv6_brief(struct cmd *c, const struct a_show_ipv6_brief *a)
{
    (void)a;
    query_ports(c->control, brief, c);
    return CMD_OK;
}
