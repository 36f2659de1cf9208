/*
 * The shows of stateful failover in states that a transcript's box is not in.
 */
#include "fake_control.h"
#include "modes/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct scene {
    struct sso_cfg cfg;
    struct sso_status s;
    struct redundancy_view v;
};

/* Configured, and its group is told of; nobody is there. */
static void scene(struct scene *x, enum rf_state mine, const char *group_state)
{
    *x = (struct scene){.cfg = {.inter_device = true, .group = "VPN"},
                        .s = {.mine = mine, .peer = RF_DISABLED, .group = "VPN"}};
    x->s.cfg = &x->cfg;
    x->v = (struct redundancy_view){.s = &x->s,
                                    .now = 500 * USEC_PER_SEC,
                                    .uptime = 400,
                                    .reason = "",
                                    .version = "V",
                                    .group_state = group_state};
}

static void lines_are(struct str *out, const char *want)
{
    assert_string_equal(str_text(out), want);
    str_free(out);
}

#define HEAD "Redundancy inter-device state: RF_INTERDEV_STATE_"

static void inter_device_is(const struct scene *x, const char *state, const char *peer)
{
    struct str out = {0};
    char want[300];
    snprintf(want, sizeof want,
             HEAD "%s\n  Scheme: Standby\n      Groupname: VPN Group State: %s\n"
                  "  Peer present: RF_INTERDEV_PEER_%s\n  Security: Not configured\n",
             state, x->v.group_state, peer);
    render_inter_device(&out, &x->v);
    lines_are(&out, want);
}

static void states_of_the_scheme(void **state)
{
    struct scene x;
    (void)state;
    scene(&x, RF_INITIALIZATION, "Init");
    inter_device_is(&x, "INIT", "NO_COMM");
    scene(&x, RF_NEGOTIATION, "Speak");
    inter_device_is(&x, "PNC_NO_HSRP", "NO_COMM");
    scene(&x, RF_NEGOTIATION, "Standby");
    inter_device_is(&x, "HSRP_STDBY_PNC", "NO_COMM");
    scene(&x, RF_STANDBY_HOT, "Standby");
    x.s.link_up = true;
    inter_device_is(&x, "STDBY", "COMM");
    scene(&x, RF_ACTIVE, "Active");
    inter_device_is(&x, "ACT", "NO_COMM");
}

/* The first scheme of a box whose groups run already. */
static void a_scheme_that_waits(void **state)
{
    struct scene x;
    struct str out = {0};
    (void)state;
    scene(&x, RF_DISABLED, "Unknown");
    x.s.pending = true;
    x.s.group[0] = '\0';
    render_inter_device(&out, &x.v);
    lines_are(&out, HEAD "INIT\n"
                         "  Pending Scheme: Standby (Will not take effect until next reload)\n"
                         "  Pending Groupname: VPN\n"
                         "  Scheme: <NOT CONFIGURED>\n"
                         "  Peer present: UNKNOWN\n"
                         "  Security: Not configured\n");
}

static void a_standby_that_is_not_hot(void **state)
{
    struct scene x;
    struct str out = {0};
    (void)state;
    scene(&x, RF_ACTIVE, "Active");
    x.s.peer = RF_STANDBY_BULK;
    x.s.link_up = true;
    render_redundancy_states(&out, &x.s, 0x10);
    lines_are(&out, "       my state = 13 -ACTIVE \n"
                    "     peer state = 7  -STANDBY COLD-BULK \n"
                    "           Mode = Duplex\n"
                    "           Unit = Primary\n"
                    "        Unit ID = 0\n"
                    "\n"
                    "Redundancy Mode (Operational) = sso\n"
                    "Redundancy Mode (Configured)  = sso\n"
                    "Redundancy State              = sso\n"
                    "     Maintenance Mode = Disabled\n"
                    "    Manual Swact = disabled (the standby is not hot)\n"
                    " Communications = Up\n"
                    "\n"
                    "   client count = 3\n"
                    " client_notification_TMR = 30000 milliseconds\n"
                    "           RF debug mask = 0x10   \n");
}

static void one_path_of_two(void **state)
{
    struct scene x;
    struct str out = {0};
    (void)state;
    scene(&x, RF_ACTIVE, "Active");
    x.s.n_path = 2;
    x.s.path[0] = (struct sso_path){.tx = 7, .rx = 3, .lost = 2};
    x.s.path[1] = (struct sso_path){.up = true, .tx = 1234567, .rx = 987654};
    addr_parse("10.0.0.1", &x.s.path[0].local);
    addr_parse("10.0.0.2", &x.s.path[0].remote);
    addr_parse("10.0.1.1", &x.s.path[1].local);
    addr_parse("10.0.1.2", &x.s.path[1].remote);
    render_ipc(&out, &x.s, IPC_SESSIONS);
    lines_are(&out,
              "Path  Local           Remote          State           Tx          Rx    Lost\n"
              "1     10.0.0.1        10.0.0.2        Down             7           3       2\n"
              "2     10.0.1.1        10.0.1.2        Up         1234567      987654       0\n");
}

/* Older than the box itself is nothing. */
static void events(void **state)
{
    struct scene x;
    struct str out = {0};
    struct sso_event e = {.at = 470 * USEC_PER_SEC,
                          .kind = SSO_EV_PEER_STATE,
                          .mine = RF_ACTIVE,
                          .peer = RF_STANDBY_COLD};
    (void)state;
    scene(&x, RF_ACTIVE, "Active");
    render_redundancy_event(&out, &x.v, &e);
    e.at = 0;
    e.kind = SSO_EV_SWITCHOVER;
    str_copy(e.text, sizeof e.text, "RF_EVENT_GO_ACTIVE(511) op=0");
    render_redundancy_event(&out, &x.v, &e);
    lines_are(&out, "00:06:10  my state = ACTIVE(13) *peer state = STANDBY COLD(4)\n"
                    "00:00:00 RF_EVENT_GO_ACTIVE(511) op=0\n");
}

/* The stamp tells whether two boxes are in one epoch. */
static void stamps(void **state)
{
    struct addr vip;
    struct str a = {0}, b = {0}, c = {0}, none = {0};
    (void)state;
    addr_parse("192.0.2.100", &vip);
    render_crypto_ha(&a, &vip, 1, 7);
    render_crypto_ha(&b, &vip, 1, 7);
    render_crypto_ha(&c, &vip, 1, 8);
    render_crypto_ha(&none, &vip, 0, 8);
    assert_string_equal(str_text(&a), str_text(&b));
    assert_string_not_equal(str_text(&a), str_text(&c));
    assert_string_equal(str_text(&none), "");
    str_free(&a);
    str_free(&b);
    str_free(&c);
    str_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_of_the_scheme),
        cmocka_unit_test(a_scheme_that_waits),
        cmocka_unit_test(a_standby_that_is_not_hot),
        cmocka_unit_test(one_path_of_two),
        cmocka_unit_test(events),
        cmocka_unit_test(stamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
