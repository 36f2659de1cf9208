/*
 * What the files of modes/ share: the box's CLI, its sessions, and the text of a configuration.
 * Nothing outside of modes/ includes this.
 */
#ifndef TANDEM_MODES_INTERNAL_H
#define TANDEM_MODES_INTERNAL_H

#include "control/ike/steps.h"
#include "g_args.h"
#include "lib/cliproto.h"
#include "modes/cmd.h"
#include "modes/session.h"
#include "parser/print.h"

#define SESSIONS_MAX        96  /* an SSH connection has one for itself, which vouches for others */
#define SESSION_QUEUE       512 /* lines a shell may send ahead */
#define SESSION_QUEUE_BYTES ((size_t)256 * 1024)
#define SESSIONS_KEPT       8 /* of the sessions, for the console when many come from outside */
#define SESSIONS_PER_UID    8 /* of an unprivileged one */
#define SESSION_USER        65
#define HISTORY_LINES       20
#define AUTH_TRIES          3

struct event;

/* A frame that came while a command was running. */
struct session_frame {
    struct session_frame *next;
    uint16_t type;
    size_t len;
    unsigned char data[];
};

struct session {
    struct cli *cli;
    struct session *prev, *next;
    struct ipc *ipc;
    struct cli_hello hello;
    char peer[ADDR_STRLEN];
    char user[SESSION_USER];  /* as the shows name it: "enable_15" after enable */
    char login[SESSION_USER]; /* who logged in */
    bool trusted;             /* the unix socket: the kernel says who is there */
    uint32_t uid;             /* of such a peer */
    struct event *silence;    /* a peer that says nothing is not waited for */
    bool greeted;             /* HELLO came */
    bool admitted;            /* AUTH succeeded, or none was needed */
    bool started;
    bool closing; /* BYE is out; freed by the reaper */
    bool running; /* a command waits for something (CMD_ASYNC) */
    bool pumping;
    bool monitor, debugging;
    bool own_length, own_width; /* set by `terminal` */
    uint16_t length, width, history;
    unsigned user_level;
    unsigned failures;
    struct line_place place;
    struct line_result line;
    struct line_text text; /* a text that the next lines go on with */
    struct cmd cmd;
    struct str out;
    struct session_frame *first, *last;
    unsigned queued;
    size_t queued_bytes;
    bool paused;                /* nothing is read until the queue has room again */
    char *typed[HISTORY_LINES]; /* EXEC lines, oldest first; config lines may hold secrets */
    unsigned n_typed;
};

/* What `clear asp drop` sets aside: what had been dropped then, when it was, and by whom. */
struct drops_cleared {
    uint64_t datapath[DP_CAUSES], ike[IKE_DROPS];
    struct {
        usec_t wall; /* 0 = never */
        char by[SESSION_USER];
    } frame, flow;
};

struct cli {
    struct control *control;
    struct lm_box box;
    char hardware[160]; /* "ASAv, 2048 MB RAM, CPU …" */
    struct cfg_tree *tree;
    struct session *sessions;
    unsigned n_sessions;
    struct event *apply_ev, *reap_ev;
    bool dirty;            /* the tree is ahead of what control was told */
    bool loaded;           /* cli_load() has run: until then nothing is applied */
    usec_t apply_cost;     /* how long the last derivation took */
    uint64_t saved_serial; /* tree->serial when it was last saved or loaded */
    usec_t changed_wall;   /* 0 = not since the start */
    char changed_by[SESSION_USER];
    struct drops_cleared cleared;
    struct log_limit refused; /* log lines about logins */
    bool booted_with;         /* there was a startup-config at the start */
    bool has_startup;
    char written[160];  /* its ": Written by …" line */
    struct str startup; /* startup-config as the shows print it: secrets masked */
};

#define TRANSFORM_SETS 6 /* in one entry of a crypto map (IOS) */

/* session.c */
void session_done(struct session *s, bool refused);
void session_flush(struct session *s);
void session_bye(struct session *s, const char *text); /* the session ends */
void session_pump(struct session *s);
void session_finish(struct session *s, int result);
struct session *session_new(struct cli *cli, int fd, int64_t uid); /* uid < 0: from outside */
/* Root on the unix socket: as good as the console port of a router. */
bool session_is_root(const struct session *s);
void session_free(struct session *s);
void session_reap(struct cli *cli);
uint16_t session_page_lines(const struct session *s);
uint16_t session_width(const struct session *s);

/* session_log.c */
void session_log_left_config(const struct session *s);
void session_log_command(const struct session *s, const char *text, bool config);
void session_log_auth(const struct session *s, const char *user, int len, bool ok);
void session_log_gone(const struct session *s);

/* cli.c */
void cli_edited(struct cli *cli, const struct session *by); /* the tree has changed */
void cli_apply_now(struct cli *cli);                        /* when it has not been told yet */
const char *cli_hostname(const struct cli *cli);
/* Runs fn inside a transaction on the running configuration. */
int cli_config(struct cli *cli, int (*fn)(struct txn *t, void *ctx), void *ctx);
/* May a session from this address come in (ssh lines)? */
bool cli_address_allowed(const struct cli *cli, const char *peer);
/* True, and the level, when user and password fit a username line. */
/* The user is configured, and his level. */
bool cli_user(const struct cli *cli, const char *user, unsigned *level);
/* A channel from outside whose user another session vouches for; takes fd. NULL: no room. */
struct session *cli_attach_vouched(struct cli *cli, int fd);
bool cli_login(const struct cli *cli, const char *user, const char *password, unsigned *level);

/* banner.c */
void banner_greet(struct session *s); /* before the first prompt */
void banner_send(struct session *s);  /* CLI_BANNER */

/* config_text.c */
enum { TEXT_SECRETS = 1, TEXT_ALL = 2, TEXT_STARTUP = 4 };
void config_text(const struct cli *cli, unsigned flags, struct str *out);
/* Notes who saves, for the next TEXT_STARTUP. */
void config_written_by(struct cli *cli, const char *user);
/* The blocks of a configuration text whose first line begins with these words, each of which
 * may be abbreviated. */
void config_section(const char *text, const char *words, struct str *out);
/* MD5 over the configuration's lines. */
void config_checksum(const struct cli *cli, unsigned char sum[16]);

/* time_text.c */
/* "18:57:38.347 UTC Mon Oct 19 2015", in the box's zone */
void time_clock(char *buf, size_t cap, const struct cfg_tree *tree, usec_t wall, bool msec);
void time_uptime(char *buf, size_t cap, int64_t seconds, bool asa);

/* The whole layout of show (ip) route for these (show_route.c). */
struct route_list;
void show_route_list(struct cmd *c, const struct route_list *l, const struct addr *gateway);
/* The nameif or, on IOS, the canonical name of an interface of the intent. */
const char *if_shown_name(const struct intent_if *ifp, bool asa);
/* Says that a line which names an interface still to come will have its effect then. */
void if_expected(struct txn *t, const char *nameif);
void acl_expected(struct txn *t, const char *acl);
/* IOS: says that an algorithm is weak; the group is of dh-group-ios or pfs-group-ios, which list
 * the same. */
void weak_algorithm(struct txn *t, const char *name);
void weak_group(struct txn *t, int group);
/* Says that a key of type 6 is of no use: it was encrypted with a key of the other box. */
void encrypted_key(struct txn *t);
/* What an interface of this name is. */
enum intent_if_kind if_kind(const char *name);
/* check_hsrp.c: this address is one of the group's, and not of its line `except` */
bool hsrp_group_has(const struct cfg_node *g, const struct cfg_node *except, const struct addr *a);
/* … an interface has no virtual address of its own groups */
int hsrp_own_check(struct txn *t, const struct cfg_node *ifn, const struct addr *a);
/* check_redundancy.c: a virtual address is none of the association between two boxes */
int ipc_virtual_check(struct txn *t, const struct addr *a);
/* … and an interface with local-ip is one of a LAN. */
int ipc_own_check(struct txn *t, const char *ifname, const struct addr *a);
/* Whether an interface of this name is one of a LAN: HSRP is of LANs. */
bool if_is_lan(const char *name);
/* … and what an entry of a stateful map refers to goes with stateful failover. */
int stateful_entry_check(struct txn *t, const struct a_ios_entry *a);
/* check_if.c: may this interface have an address in this network? */
int if_network_check(struct txn *t, const struct cfg_node *ifn, const struct addr *addr,
                     const struct addr *netmask);
/* show_if.c, show_if_ios.c */
bool if_shut(const struct query_port *p);
bool if_line_up(const struct query_port *p);
void if_mac_text(const struct query_port *p, char buf[16]);
void show_port_ios(struct cmd *c, const struct query_port *p);
void show_traffic_ios(struct cmd *c, const struct query_port *p);
/* show_ospf.c: that FRR is missing, which is OSPF here */
void ospf_absent_text(struct str *out);
/* show_redundancy.c: where the line is a scheme: that it waits for a reload, as another one is in
 * force. */
void scheme_waits_text(const struct cli *cli, const struct line_result *line, struct str *out);
/* check_if_ios.c */
int if_ios_check(struct txn *t, struct cfg_node *n, const char *name, bool negate);
int if_line_defaults(struct txn *t, struct cfg_node *ifn);
int if_without_address(struct txn *t, struct cfg_node *ifn, bool dhcp);
int if_own_secondary(struct txn *t, const struct cfg_node *ifn, const struct addr *primary);
/* Removes the lines that speak of a nameif that an interface lost in this transaction. */
int if_forget_names(struct txn *t);
/* check_object_ios.c: says that a group that a line names is still to come. */
void group_ios_expected(struct txn *t, uint16_t kind, const char *name);
/* The access list of IOS that has this number or name. */
const struct cfg_node *acl_ios_find(const struct cfg_tree *tree, const char *name);
const struct cfg_node *if_by_nameif(const struct cfg_tree *tree, const char *nameif);

#endif
