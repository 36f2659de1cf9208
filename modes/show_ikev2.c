/*
 * show crypto ikev2 sa [detail], in the layout of show-outputs.md.
 */
#include "lib/vec.h"
#include "modes/internal.h"
#include "modes/render.h"
#include <stdlib.h>
#include <string.h>

/* Columns of the ASA's table: id, local, remote, status, role. */
#define COL_LOCAL  10
#define COL_REMOTE 62
#define COL_STATUS 119
#define COL_ROLE   128

static void endpoint(struct str *out, const struct addr *a, uint16_t port)
{
    char text[ADDR_STRLEN];
    str_printf(out, "%s/%u", addr_print(a, text, sizeof text), port);
}

void render_identity(struct str *out, const struct ike_identity *id)
{
    char text[ADDR_STRLEN];
    /* RFC 7296 §3.5: ID_IPV4_ADDR is 1, ID_IPV6_ADDR 5; the others are texts. */
    if (id->type == 1 && id->len == 4) {
        struct addr a = {.family = AF_INET};
        memcpy(a.b, id->data, 4);
        str_add(out, addr_print(&a, text, sizeof text));
    } else if (id->type == 5 && id->len == 16) {
        struct addr a = {.family = AF_INET6};
        memcpy(a.b, id->data, 16);
        str_add(out, addr_print(&a, text, sizeof text));
    } else {
        for (unsigned i = 0; i < id->len && i < sizeof id->data; i++)
            str_addc(out, id->data[i] >= ' ' && id->data[i] < 127 ? (char)id->data[i] : '.');
    }
}

static const char *alg_name(uint8_t type, uint16_t id, uint16_t bits)
{
    const struct transform *t = transform_find(type, id, bits);
    return t ? t->ike : "Unknown";
}

static void row(struct str *out, const struct ike_sa_state *sa)
{
    str_printf(out, "%9u ", sa->tunnel_id);
    endpoint(out, &sa->path.local, sa->path.lport);
    str_pad(out, COL_REMOTE);
    endpoint(out, &sa->path.remote, sa->path.rport);
    str_pad(out, COL_STATUS);
    str_add(out, ike_state_name(sa->state));
    str_pad(out, COL_ROLE);
    str_printf(out, "%s\n", sa->initiator ? "INITIATOR" : "RESPONDER");
}

static void algorithms(struct str *out, const struct ike_sa_state *sa, usec_t now)
{
    const struct ike_suite *s = &sa->suite;
    int64_t active = sa->established ? (now - sa->established) / USEC_PER_SEC : 0;
    bool aead = s->encr == ENCR_AES_GCM16;
    str_printf(out, "      Encr: %s, ", alg_name(T_ENCR, s->encr, s->encr_bits));
    if (s->encr_bits)
        str_printf(out, "keysize: %u, ", s->encr_bits);
    str_printf(out, "Hash: %s, DH Grp:%u, Auth sign: PSK, Auth verify: PSK\n",
               aead ? "N/A" : alg_name(T_INTEG, s->integ, 0), s->group);
    str_printf(out, "      Life/Active Time: %u/%lld sec\n", sa->lifetime, (long long)active);
}

static const char *description(const struct ike_sa_state *sa)
{
    switch (sa->state) {
    case IKE_INIT_SENT:
        return "Initiator waiting for INIT response";
    case IKE_AUTH_SENT:
        return "Initiator waiting for AUTH response";
    case IKE_INIT_DONE:
        return "Responder waiting for AUTH message";
    case IKE_ESTABLISHED:
        return "Negotiation done";
    case IKE_DELETING:
        return "Deleting IKE SA";
    default:
        return "Idle";
    }
}

static void pair(struct str *out, const char *name, uint32_t local, uint32_t remote)
{
    str_printf(out, "      Local %s: %u", name, local);
    str_pad(out, 40);
    str_printf(out, "Remote %s: %u\n", name, remote);
}

static void nat_line(struct str *out, const struct ike_sa_state *sa)
{
    if (!sa->nat_local && !sa->nat_remote)
        str_add(out, "      NAT-T is not detected\n");
    else
        str_printf(out, "      NAT-T is detected %s%s\n", sa->nat_local ? " inside" : "",
                   sa->nat_remote ? " outside" : "");
}

static void details(struct str *out, const struct ike_sa_state *sa)
{
    uint64_t mine = sa->initiator ? sa->spi_i : sa->spi_r;
    uint64_t theirs = sa->initiator ? sa->spi_r : sa->spi_i;
    bool deleting = sa->state == IKE_DELETING;
    str_printf(out, "      Session-id: %u\n", sa->session_id);
    str_printf(out, "      Status Description: %s\n", description(sa));
    str_printf(out, "      Local spi: %016llX       Remote spi: %016llX\n",
               (unsigned long long)mine, (unsigned long long)theirs);
    str_add(out, "      Local id: ");
    render_identity(out, &sa->local_id);
    str_add(out, "\n      Remote id: ");
    render_identity(out, &sa->remote_id);
    str_addc(out, '\n');
    pair(out, "req mess id", sa->next_send_mid, sa->next_recv_mid);
    pair(out, "next mess id", sa->next_send_mid, sa->next_recv_mid);
    pair(out, "req queued", sa->next_send_mid, sa->next_recv_mid);
    pair(out, "window", sa->window, sa->window);
    if (sa->dpd_seconds)
        str_printf(out, "      DPD configured for %u seconds, retry %u\n", sa->dpd_seconds,
                   sa->dpd_retry);
    else
        str_add(out, "      DPD is not configured\n");
    nat_line(out, sa);
    if (sa->peer_fragments)
        str_printf(out,
                   "      IKEv2 Fragmentation Configured MTU: %d bytes, Overhead: %d bytes, "
                   "Effective MTU: %d bytes\n",
                   IKE_FRAGMENT_SIZE + IKE_FRAGMENT_OVERHEAD, IKE_FRAGMENT_OVERHEAD,
                   IKE_FRAGMENT_SIZE);
    else
        str_add(out, "      Fragmentation not  configured.\n");
    str_add(out, "      Parent SA Extended Status:\n");
    str_printf(out, "          Delete in progress: %s\n", deleting ? "TRUE" : "FALSE");
    str_printf(out, "          Marked for delete: %s\n", deleting ? "TRUE" : "FALSE");
}

static void child_detail(struct str *out, const struct ike_child_state *c)
{
    bool aead = c->encr == ENCR_AES_GCM16 || c->encr == ENCR_AES_GMAC;
    str_add(out, "          AH spi in/out: 0x0/0x0  \n"
                 "          CPI in/out: 0x0/0x0  \n");
    str_printf(out, "          Encr: %s, ", alg_name(T_ENCR, c->encr, c->encr_bits));
    if (c->encr_bits)
        str_printf(out, "keysize: %u, ", c->encr_bits);
    str_printf(out, "esp_hmac: %s\n", aead ? "N/A" : alg_name(T_INTEG, c->integ, 0));
    str_printf(out, "          ah_hmac: None, comp: IPCOMP_NONE, mode %s\n",
               c->mode == SADB_TRANSPORT ? "transport" : "tunnel");
}

static void selector_end(struct str *out, const struct addr_range *r, const uint16_t port[2])
{
    char lo[ADDR_STRLEN], hi[ADDR_STRLEN];
    str_printf(out, "%s/%u - %s/%u\n", addr_print(&r->lo, lo, sizeof lo), port[0],
               addr_print(&r->hi, hi, sizeof hi), port[1]);
}

void render_ikev2_child(struct str *out, const struct ike_child_state *c, bool detail, bool ios)
{
    for (uint32_t i = 0; i < c->n_ts && i < SADB_TS_MAX; i++) {
        str_add(out, i ? "          local selector  " : "Child sa: local selector  ");
        selector_end(out, &c->ts[i].local, c->ts[i].lport);
        str_add(out, "          remote selector ");
        selector_end(out, &c->ts[i].remote, c->ts[i].rport);
    }
    str_printf(out,
               ios ? "          ESP spi in/out: 0x%X/0x%X  \n"
                   : "          ESP spi in/out: 0x%x/0x%x  \n",
               c->spi_in, c->spi_out);
    if (detail)
        child_detail(out, c);
}

static void session(struct str *out, const struct ike_sa_state *const *sa, size_t n, usec_t now,
                    bool detail)
{
    unsigned ikes = 0, children = 0;
    for (size_t i = 0; i < n; i++) {
        if (sa[i]->session_id != sa[0]->session_id)
            continue;
        ikes++;
        children += sa[i]->n_children;
    }
    str_printf(out, "\nSession-id:%u, Status:%s, IKE count:%u, CHILD count:%u\n\n",
               sa[0]->session_id, children ? "UP-ACTIVE" : "UP-IDLE", ikes, children);
    str_add(out, "Tunnel-id");
    str_pad(out, COL_LOCAL);
    str_add(out, "Local");
    str_pad(out, COL_REMOTE);
    str_add(out, "Remote");
    str_pad(out, COL_STATUS - 1);
    str_add(out, "Status         Role\n");
    for (size_t i = 0; i < n; i++) {
        if (sa[i]->session_id != sa[0]->session_id)
            continue;
        row(out, sa[i]);
        algorithms(out, sa[i], now);
        if (detail)
            details(out, sa[i]);
        for (uint32_t k = 0; k < sa[i]->n_children && k < IKE_CHILDREN_MAX; k++)
            render_ikev2_child(out, &sa[i]->child[k], detail, false);
    }
}

void render_ikev2_sas(struct str *out, const struct ike_sa_state *const *sa, size_t n, usec_t now,
                      bool detail)
{
    if (n == 0) {
        str_add(out, "\nThere are no IKEv2 SAs\n");
        return;
    }
    str_add(out, "\nIKEv2 SAs:\n");
    for (size_t i = 0; i < n; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = sa[k]->session_id == sa[i]->session_id;
        if (!seen)
            session(out, sa + i, n - i, now, detail);
    }
}

/* --- the hook -----------------------------------------------------------------------------------
 */

struct sa_list {
    const struct ike_sa_state **sa;
    size_t n, cap;
    bool all, skip_active, skip_standby;
};

static bool collect(void *ctx, const struct ike_sa_state *sa)
{
    struct sa_list *l = (struct sa_list *)ctx;
    /* One that only waits for the answer to its delete is gone for the operator (seed 000 shows
     * none while the path to the peer is dead); `detail` still tells. */
    if (sa->version != IKE_V2 || sa->state == IKE_IDLE || sa->state == IKE_DEAD ||
        (sa->state == IKE_DELETING && !l->all) || (sa->passive ? l->skip_standby : l->skip_active))
        return true;
    if (!VEC_ROOM(l->sa, l->cap, l->n + 1))
        return false;
    l->sa[l->n++] = sa;
    return true;
}

int show_ikev2_sa(struct cmd *c, const struct a_show_ikev2_sa *a)
{
    struct sa_list l = {.all = a->detail, .skip_active = a->standby, .skip_standby = a->active};
    struct str out = {0};
    query_ike_sas(c->control, collect, &l);
    (c->asa ? render_ikev2_sas : render_ikev2_sas_ios)(&out, l.sa, l.n,
                                                       clock_mono(control_clock(c->control)),
                                                       a->detail);
    cmd_puts(c, str_text(&out));
    str_free(&out);
    free(l.sa);
    return CMD_OK;
}

int show_ikev2_session(struct cmd *c, const struct a_show_ikev2_session *a)
{
    struct sa_list l = {.all = a->detail};
    struct str out = {0};
    query_ike_sas(c->control, collect, &l);
    render_ikev2_sessions_ios(&out, l.sa, l.n, clock_mono(control_clock(c->control)), a->detail);
    cmd_puts(c, str_text(&out));
    str_free(&out);
    free(l.sa);
    return CMD_OK;
}
