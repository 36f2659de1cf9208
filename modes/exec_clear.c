/*
 * Ending tunnels: clear crypto ..., vpn-sessiondb logoff.
 *
 * `sa` of IPsec is phase 2 alone, `isakmp` (IOS) phase 1 alone: what they made goes on without each
 * other. `session` and the commands of the ASA's IKE versions end both. A child of IKEv2 never
 * outlives its IKE SA.
 */
#include "lib/vec.h"
#include "modes/internal.h"
#include "modes/ipsec.h"
#include <stdlib.h>
#include <string.h>

/* No VRF can be configured: there, nothing is meant. SAs that stand by for another box go together,
 * and that box tells all of them again. */
static bool nobody(struct cmd *c, bool vrf, bool standby)
{
    if (vrf)
        cmd_puts(c, "% VRF does not exist\n");
    else if (standby)
        sso_resync(c->control);
    return vrf || standby;
}

int clear_ikev2_sa(struct cmd *c, const struct a_clear_ikev2_sa *a)
{
    struct ike_which w = {.tunnel_id = a->has_number ? (uint32_t)a->number : 0};
    if (a->has_peer)
        w.remote = a->peer;
    if (a->has_local)
        w.local = a->local;
    control_clear_ike(c->control, IKE_V2, &w, a->fast ? IKE_CLEAR_SILENT : IKE_CLEAR_ALL);
    return CMD_OK;
}

int clear_ikev1_sa(struct cmd *c, const struct a_clear_ikev1_sa *a)
{
    struct ike_which w = {0};
    if (a->has_peer)
        w.remote = a->peer;
    control_clear_ike(c->control, a->both ? 0 : IKE_V1, &w, IKE_CLEAR_ALL);
    return CMD_OK;
}

struct standby_sa {
    uint32_t tunnel_id;
    bool found;
};

static bool find_standby(void *ctx, const struct ike_sa_state *sa)
{
    struct standby_sa *f = (struct standby_sa *)ctx;
    f->found = f->found || (sa->version == IKE_V1 && sa->passive && sa->tunnel_id == f->tunnel_id);
    return !f->found;
}

int clear_isakmp(struct cmd *c, const struct a_clear_isakmp *a)
{
    struct ike_which w = {.tunnel_id = a->has_conn ? (uint32_t)a->conn : 0};
    size_t n = nobody(c, false, a->standby)
                   ? 0
                   : control_clear_ike(c->control, IKE_V1, &w, IKE_CLEAR_PHASE1);
    if (!a->has_conn || n)
        return CMD_OK;
    struct standby_sa f = {.tunnel_id = w.tunnel_id};
    query_ike_sas(c->control, find_standby, &f);
    cmd_printf(c,
               f.found ? "%% The ISAKMP SA with connection id %u is the other box's: clear it "
                         "there\n"
                       : "%% There is no ISAKMP SA with connection id %u\n",
               (unsigned)a->conn);
    return CMD_REFUSED;
}

int clear_crypto_session(struct cmd *c, const struct a_clear_crypto_session *a)
{
    struct ike_which w = {.lport = a->has_lport ? (uint16_t)a->lport : 0,
                          .rport = a->has_rport ? (uint16_t)a->rport : 0};
    if (nobody(c, a->has_fvrf || a->has_ivrf, a->standby))
        return a->standby ? CMD_OK : CMD_REFUSED;
    if (a->has_local)
        w.local = a->local;
    if (a->has_peer)
        w.remote = a->peer;
    control_clear_ike(c->control, 0, &w, IKE_CLEAR_ALL);
    return CMD_OK;
}

/* As the shows print it: decimal, or hexadecimal behind 0x. 0: it is none. */
static uint32_t spi_of(const char *text)
{
    char *end;
    unsigned long v = strspn(text, "0") == 1 && (text[1] == 'x' || text[1] == 'X')
                          ? strtoul(text + 2, &end, 16)
                          : strtoul(text, &end, 10);
    return *end || v > UINT32_MAX ? 0 : (uint32_t)v;
}

/* `clear crypto sa` and `clear crypto ipsec sa` differ in words only. */
int clear_crypto_sa(struct cmd *c, const struct a_clear_crypto_sa *a)
{
    struct control_children w = {.map = a->has_map ? a->map : NULL,
                                 .proto = a->ah ? SADB_AH : SADB_ESP,
                                 .replaced = a->inactive};
    if (a->counters) {
        control_clear_ipsec_counters(c->control);
        return CMD_OK;
    }
    if (a->has_peer)
        w.remote = a->peer;
    if (a->has_spi) {
        w.dst = a->dst;
        w.spi = spi_of(a->spi);
        if (!w.spi) {
            cmd_printf(c, "%s%% %s is not an SPI\n", c->asa ? "ERROR: " : "", a->spi);
            return CMD_REFUSED;
        }
    }
    if (nobody(c, a->has_vrf, a->standby))
        return a->standby ? CMD_OK : CMD_REFUSED;
    control_clear_children(c->control, &w);
    return CMD_OK;
}

/* --- vpn-sessiondb logoff (ASA) ----------------------------------------------------------------
 */

/* A session's number is that of its show. */
struct logoff {
    struct cmd *c;
    const struct a_logoff *a;
    uint32_t *tunnel;
    size_t n, cap;
};

static bool add_session(void *ctx, const struct ike_sa_state *sa)
{
    struct logoff *l = (struct logoff *)ctx;
    if (sa->state == IKE_ESTABLISHED &&
        (!l->a->has_peer || addr_eq(&l->a->peer, &sa->path.remote)) &&
        (!l->a->has_index || l->a->index == session_index(sa)) &&
        VEC_ROOM(l->tunnel, l->cap, l->n + 1))
        l->tunnel[l->n++] = sa->tunnel_id;
    return true;
}

static int logoff(struct cmd *c, const struct a_logoff *a)
{
    struct logoff l = {.c = c, .a = a};
    char text[ADDR_STRLEN];
    query_ike_sas(c->control, add_session, &l);
    for (size_t i = 0; i < l.n; i++) {
        const struct ike_which w = {.tunnel_id = l.tunnel[i]};
        control_clear_ike(c->control, 0, &w, IKE_CLEAR_ALL);
    }
    free(l.tunnel);
    cmd_puts(c, "INFO: Number of sessions ");
    if (a->has_peer)
        cmd_printf(c, "from IP address \"%s\"", addr_print(&a->peer, text, sizeof text));
    else if (a->has_index)
        cmd_printf(c, "with Index \"%u\"", (unsigned)a->index);
    else
        cmd_printf(c, "of type \"%s\"", a->l2l ? "l2l" : "");
    cmd_printf(c, " logged off : %zu\n", l.n);
    return CMD_OK;
}

static void on_logoff_confirm(struct cmd *c, const char *text)
{
    cmd_puts(c, "\n");
    if (!text[0] || text[0] == 'y' || text[0] == 'Y')
        logoff(c, (const struct a_logoff *)(const void *)c->line->args);
    cmd_done(c, CMD_OK);
}

int exec_logoff(struct cmd *c, const struct a_logoff *a)
{
    if (a->noconfirm || !c->session->hello.interactive)
        return logoff(c, a);
    cmd_ask(c, "Do you want to logoff the VPN session(s)? [confirm]", 1, true, on_logoff_confirm);
    return CMD_ASYNC;
}
