/*
 * show ipc …: the association between the two boxes; show crypto ha: whose SAs they share.
 */
#include "control/hsrp/hsrp.h"
#include "modes/internal.h"
#include "modes/render.h"
#include <openssl/evp.h>
#include <string.h>

#define LLU(x) (unsigned long long)(x)

static const char *text_of(const struct addr *a, char buf[ADDR_STRLEN])
{
    return addr_is_set(a) ? addr_print(a, buf, ADDR_STRLEN) : "-";
}

static void status(struct str *out, const struct sso_status *s)
{
    str_printf(out, "IPC System Status\n\n%-22s%14s%14s\n", "", "Rx Side", "Tx Side");
    str_printf(out, "%-22s%14llu%14llu\n", " Total Messages", LLU(s->rx), LLU(s->tx));
    str_printf(out, "%-22s%14llu%14llu\n", " Total Bytes", LLU(s->rx_bytes), LLU(s->tx_bytes));
    str_printf(out, "%-22s%14llu%14s\n", " Bad Messages", LLU(s->bad), "-");
    str_printf(out, "%-22s%14llu%14llu\n", " Records", LLU(s->records_rx), LLU(s->records_tx));
}

static void nodes(struct str *out, const struct sso_status *s)
{
    const struct sso_cfg *c = s->cfg;
    char a[ADDR_STRLEN];
    str_printf(out, "%-8s%-16s%-16s%s\n", "ID", "Type", "Name", "State");
    if (!c->n_local)
        return;
    str_printf(out, "%-8u%-16s%-16s%s\n", 1u, "Local", text_of(&c->local[0], a), "Up");
    if (c->n_remote)
        str_printf(out, "%-8u%-16s%-16s%s\n", 2u, "Peer", text_of(&c->remote[0], a),
                   s->link_up ? "Up" : "Down");
}

static void ports(struct str *out, const struct sso_status *s)
{
    const struct sso_cfg *c = s->cfg;
    char a[ADDR_STRLEN];
    str_printf(out, "%-8s%-16s%s\n", "Side", "Address", "Port");
    for (unsigned i = 0; i < c->n_local; i++)
        str_printf(out, "%-8s%-16s%u\n", "Local", text_of(&c->local[i], a), c->local_port);
    for (unsigned i = 0; i < c->n_remote; i++)
        str_printf(out, "%-8s%-16s%u\n", "Remote", text_of(&c->remote[i], a), c->remote_port);
}

static void sessions(struct str *out, const struct sso_status *s)
{
    char l[ADDR_STRLEN], r[ADDR_STRLEN];
    str_printf(out, "%-6s%-16s%-16s%-6s%12s%12s%8s\n", "Path", "Local", "Remote", "State", "Tx",
               "Rx", "Lost");
    for (unsigned i = 0; i < s->n_path; i++) {
        const struct sso_path *p = &s->path[i];
        str_printf(out, "%-6u%-16s%-16s%-6s%12llu%12llu%8llu\n", i + 1, text_of(&p->local, l),
                   text_of(&p->remote, r), p->up ? "Up" : "Down", LLU(p->tx), LLU(p->rx),
                   LLU(p->lost));
    }
}

static void zones(struct str *out, const struct sso_status *s)
{
    str_printf(out, "%-12s%s\n", "Zone", "Associations");
    if (s->cfg->number)
        str_printf(out, "%-12s%u\n", "default", s->cfg->number);
}

static void associations(struct str *out, const struct sso_status *s)
{
    const struct sso_cfg *c = s->cfg;
    if (!c->number)
        return;
    str_printf(out, "Association %u is %s, protocol SCTP\n", c->number,
               !c->association ? "shut down or not complete"
               : s->link_up    ? "up"
                               : "down");
    str_printf(out,
               "  Retransmit timeout: %u to %u msec\n  Path retransmit: %u\n"
               "  Association retransmit: %u\n",
               c->rto_min, c->rto_max, c->path_retransmit, c->assoc_retransmit);
    if (c->init_timeout)
        str_printf(out, "  Init timeout: %u msec\n", c->init_timeout);
    if (c->keepalive)
        str_printf(out, "  Keepalive: %u msec\n", c->keepalive);
    str_printf(out, "  Hold queue: %u messages\n", c->hold);
    str_printf(out, "  Came up %llu times, went down %llu times\n", LLU(s->link_ups),
               LLU(s->link_downs));
}

void render_ipc(struct str *out, const struct sso_status *s, enum ipc_show what)
{
    static void (*const part[])(struct str *, const struct sso_status *) = {
        [IPC_STATUS] = status,     [IPC_NODES] = nodes, [IPC_PORTS] = ports,
        [IPC_SESSIONS] = sessions, [IPC_ZONES] = zones, [IPC_ASSOCIATIONS] = associations,
    };
    part[what](out, s);
}

int show_ipc(struct cmd *c, const struct a_show_ipc *a)
{
    struct sso_status s;
    struct str out = {0};
    sso_status(c->control, &s);
    render_ipc(&out, &s,
               a->status     ? IPC_STATUS
               : a->nodes    ? IPC_NODES
               : a->ports    ? IPC_PORTS
               : a->sessions ? IPC_SESSIONS
               : a->zones    ? IPC_ZONES
                             : IPC_ASSOCIATIONS);
    cmd_puts(c, str_text(&out));
    str_free(&out);
    return CMD_OK;
}

/* --- show crypto ha --------------------------------------------------------------------------- */

/* The stamp is the same on both boxes as long as they are in one epoch. */
void render_crypto_ha(struct str *out, const struct addr *vip, size_t n, uint32_t epoch)
{
    char text[ADDR_STRLEN];
    for (size_t i = 0; i < n; i++) {
        unsigned char sum[EVP_MAX_MD_SIZE];
        unsigned len = 0;
        struct str of = {0};
        str_printf(&of, "%s %u", addr_print(&vip[i], text, sizeof text), epoch);
        EVP_Digest(str_text(&of), of.len, sum, &len, EVP_sha256(), NULL);
        str_free(&of);
        str_printf(out, "IKE VIP: %s\n  stamp:", text);
        for (unsigned k = 0; k < 16 && k < len; k++)
            str_printf(out, " %02X", sum[k]);
        str_addc(out, '\n');
    }
    for (size_t i = 0; i < n; i++)
        str_printf(out, "IPSec VIP: %s\n", addr_print(&vip[i], text, sizeof text));
    if (n) /* the platform's own, for what has no address */
        str_add(out, "IPSec VIP: 255.255.255.253\nIPSec VIP: 255.255.255.254\n");
}

struct vips {
    struct addr v[HSRP_GROUPS];
    size_t n;
    const struct intent_if *of;
};

static void add_vip(struct vips *l, const struct addr *a)
{
    for (size_t i = 0; i < l->n; i++)
        if (addr_eq(&l->v[i], a))
            return;
    if (addr_is_set(a) && l->n < HSRP_GROUPS)
        l->v[l->n++] = *a;
}

/* A virtual address that was learnt. */
static bool one_group(void *ctx, const struct hsrp_group *g, usec_t next_hello)
{
    struct vips *l = (struct vips *)ctx;
    (void)next_hello;
    if (strcmp(l->of->name, g->link.name) == 0 && strcmp(l->of->redundancy, g->cfg.name) == 0)
        add_vip(l, &g->vip);
    return true;
}

int show_crypto_ha(struct cmd *c, const struct a_show_crypto_ha *a)
{
    const struct intent *want = query_intent(c->control);
    struct vips l = {0};
    struct sso_status s;
    struct str out = {0};
    (void)a;
    sso_status(c->control, &s);
    for (uint32_t i = 0; i < want->n_if; i++) {
        l.of = &want->ifs[i];
        if (!l.of->stateful || !l.of->map)
            continue;
        add_vip(&l, &l.of->vip);
        if (!addr_is_set(&l.of->vip))
            query_hsrp(c->control, one_group, &l);
    }
    render_crypto_ha(&out, l.v, l.n, s.mine == RF_ACTIVE ? s.epoch : s.peer_epoch);
    cmd_puts(c, str_text(&out));
    str_free(&out);
    return CMD_OK;
}
