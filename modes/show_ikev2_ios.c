/*
 * show crypto ikev2 sa and session, with or without detail, as IOS prints them.
 */
#include "modes/internal.h"
#include "modes/render.h"
#include <stdlib.h>
#include <string.h>

static const char *name_of(uint8_t type, uint16_t id, uint16_t bits)
{
    const struct transform *t = transform_find(type, id, bits);
    return t ? t->ike : "Unknown";
}

static void endpoint(struct str *out, const struct addr *a, uint16_t port, size_t column)
{
    char text[ADDR_STRLEN];
    str_printf(out, "%s/%u", addr_print(a, text, sizeof text), port);
    str_pad(out, column);
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
    case IKE_DELETING:
        return "Deleting IKE SA";
    default:
        return "Negotiation done";
    }
}

/* Two numbers of ours beside two of the peer's, each in a column of its own. */
static void pair(struct str *out, const char *name, uint32_t local, uint32_t remote)
{
    str_printf(out, "      Local %s", name);
    str_pad(out, 25);
    str_printf(out, "%-15uRemote %s", local, name);
    str_pad(out, 60);
    str_printf(out, "%-10u\n", remote);
}

static void details(struct str *out, const struct ike_sa_state *sa)
{
    uint64_t mine = sa->initiator ? sa->spi_i : sa->spi_r;
    uint64_t theirs = sa->initiator ? sa->spi_r : sa->spi_i;
    str_printf(out, "      CE id: %u, Session-id: %u\n", sa->tunnel_id, sa->session_id);
    str_printf(out, "      Local spi: %016llX       Remote spi: %016llX\n",
               (unsigned long long)mine, (unsigned long long)theirs);
    str_printf(out, "      Status Description: %s\n      Local id: ", description(sa));
    render_identity(out, &sa->local_id);
    str_add(out, "\n      Remote id: ");
    render_identity(out, &sa->remote_id);
    str_addc(out, '\n');
    pair(out, "req msg id:", sa->next_send_mid, sa->next_recv_mid);
    pair(out, "next msg id:", sa->next_send_mid, sa->next_recv_mid);
    pair(out, "req queued:", sa->next_send_mid, sa->next_recv_mid);
    pair(out, "window:", sa->window, sa->window);
    if (sa->dpd_seconds)
        str_printf(out, "      DPD configured for %u seconds, retry %u\n", sa->dpd_seconds,
                   sa->dpd_retry);
    else
        str_add(out, "      DPD configured for 0 seconds, retry 0\n");
    if (sa->peer_fragments)
        str_printf(out, "      Fragmentation configured, MTU %d.\n", IKE_FRAGMENT_SIZE);
    else
        str_add(out, "      Fragmentation not  configured.\n");
    str_add(out, "      Extended Authentication not configured.\n");
    if (sa->nat_local || sa->nat_remote)
        str_printf(out, "      NAT-T is detected %s%s \n", sa->nat_local ? "inside" : "",
                   sa->nat_remote ? "outside" : "");
    else
        str_add(out, "      NAT-T is not detected  \n");
    str_add(out, "      Cisco Trust Security SGT is disabled\n");
    str_printf(out, "      Initiator of SA : %s\n", sa->initiator ? "Yes" : "No");
}

static void row(struct str *out, const struct ike_sa_state *sa, size_t number, usec_t now,
                bool detail)
{
    const struct ike_suite *s = &sa->suite;
    int64_t active = sa->established ? (now - sa->established) / USEC_PER_SEC : 0;
    str_printf(out, "%-10zu", number);
    endpoint(out, &sa->path.local, sa->path.lport, 32);
    endpoint(out, &sa->path.remote, sa->path.rport, 54);
    str_printf(out, "none/none            %-6s \n",
               sa->passive ? "STANDBY" : ike_state_name(sa->state));
    str_printf(out, "      Encr: %s, ", name_of(T_ENCR, s->encr, s->encr_bits));
    if (s->encr_bits)
        str_printf(out, "keysize: %u, ", s->encr_bits);
    str_printf(out, "PRF: %s, Hash: %s, DH Grp:%u, Auth sign: PSK, Auth verify: PSK\n",
               name_of(T_PRF, s->prf, 0), s->integ ? name_of(T_INTEG, s->integ, 0) : "None",
               s->group);
    str_printf(out, "      Life/Active Time: %u/%lld sec\n", sa->lifetime, (long long)active);
    if (detail)
        details(out, sa);
}

static void heading(struct str *out)
{
    str_add(out, "Tunnel-id Local                 Remote                fvrf/ivrf            "
                 "Status \n");
}

void render_ikev2_sas_ios(struct str *out, const struct ike_sa_state *const *sa, size_t n,
                          usec_t now, bool detail)
{
    size_t number = 0;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        str_printf(out, " IPv%c Crypto IKEv2  SA \n\n", v6 ? '6' : '4');
        for (size_t i = 0; i < n; i++)
            if ((sa[i]->path.remote.family == AF_INET6) == v6) {
                heading(out);
                row(out, sa[i], ++number, now, detail);
                str_addc(out, '\n');
            }
    }
}

/* --- sessions: what there is with a peer, its IKE SAs of before and after a rekey together
 * -------
 */

static int by_session(const void *x, const void *y)
{
    const struct ike_sa_state *a = *(const struct ike_sa_state *const *)x;
    const struct ike_sa_state *b = *(const struct ike_sa_state *const *)y;
    if (a->session_id != b->session_id)
        return a->session_id < b->session_id ? -1 : 1;
    return a->tunnel_id < b->tunnel_id ? -1 : a->tunnel_id > b->tunnel_id;
}

static void session(struct str *out, const struct ike_sa_state *const *sa, size_t n, size_t *number,
                    usec_t now, bool detail)
{
    unsigned children = 0;
    for (size_t i = 0; i < n; i++)
        children += sa[i]->n_children;
    str_printf(out, "Session-id:%u, Status:%s, IKE count:%zu, CHILD count:%u\n\n",
               sa[0]->session_id,
               sa[0]->passive ? "UP-STANDBY"
               : children     ? "UP-ACTIVE"
                              : "UP-IDLE",
               n, children);
    heading(out);
    for (size_t i = 0; i < n; i++) {
        row(out, sa[i], ++*number, now, detail);
        for (uint32_t k = 0; k < sa[i]->n_children && k < IKE_CHILDREN_MAX; k++)
            render_ikev2_child(out, &sa[i]->child[k], detail, true);
    }
    str_addc(out, '\n');
}

void render_ikev2_sessions_ios(struct str *out, const struct ike_sa_state **sa, size_t n,
                               usec_t now, bool detail)
{
    size_t number = 0;
    if (n)
        qsort((void *)sa, n, sizeof(const struct ike_sa_state *), by_session);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        str_printf(out, " IPv%c Crypto IKEv2 Session \n\n", v6 ? '6' : '4');
        for (size_t i = 0, k; i < n; i += k) {
            for (k = 1; i + k < n && sa[i + k]->session_id == sa[i]->session_id;)
                k++;
            if ((sa[i]->path.remote.family == AF_INET6) == v6)
                session(out, sa + i, k, &number, now, detail);
        }
    }
}
