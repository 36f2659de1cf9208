/*
 * The box's CLI: the running configuration, its sessions, and the way from an edit to control.
 *
 * An edit only marks the tree as ahead. One timer event derives the intent and hands it to
 * control_apply() a moment later, and at the latest before a command that reads state; a pasted
 * configuration of ten thousand lines therefore costs few derivations. The pause grows with what
 * a derivation costs, so that a large configuration does not spend its time on half-pasted states.
 *
 * `struct cli` owns the tree and the sessions; control is the engine's.
 */
#include "modes/internal.h"
#include "modes/derive.h"
#include "modes/password.h"
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#define APPLY_PAUSE (5 * USEC_PER_MSEC)
#define APPLY_LATE  (500 * USEC_PER_MSEC)

const char *cli_hostname(const struct cli *cli)
{
    const struct cfg_node *n = cfg_first(cli->tree->root, E_HOSTNAME);
    if (n && CFG_ARGS(n, hostname)->name)
        return CFG_ARGS(n, hostname)->name;
    return cli->box.asa ? "ciscoasa" : "Router";
}

int cli_config(struct cli *cli, int (*fn)(struct txn *t, void *ctx), void *ctx)
{
    struct txn t;
    txn_begin(&t, cli->tree, cli->box.asa);
    t.checks = g_checks;
    int rc = fn(&t, ctx);
    if (rc < 0)
        txn_rollback(&t);
    else
        txn_commit(&t);
    txn_end(&t);
    return rc;
}

/* --- from the tree to control ----------------------------------------------------------- */

/* A list that reached the bound protects less than it says: never silently. */
static void warn_cut(struct cli *cli, const struct intent *i)
{
    for (uint32_t k = 0; k < i->n_acl; k++)
        if (i->acl[k].n >= DERIVE_ACES)
            log_line(control_log(cli->control), LOGL_ERROR, "config",
                     "access-list %s has more than %d elements; those beyond are not in force",
                     i->acl[k].name, DERIVE_ACES);
}

/* The launcher holds what is in force, for an engine that has to follow this one. */
static void keep_running(struct cli *cli)
{
    struct str text = {0};
    if (!cli->loaded)
        return;
    print_tree(cli->tree, cli->box.asa, PRINT_SECRETS, &text);
    int err = text.bad ? -ENOMEM : control_keep(cli->control, str_text(&text), text.len);
    if (err)
        log_line(control_log(cli->control), LOGL_WARNING, "config",
                 "the launcher does not hold the running-config: %s; an engine that follows a "
                 "crash would start from an older one",
                 strerror(-err));
    str_wipe(&text);
}

/* Not before the box's configuration is loaded, whoever asks: a session may be there earlier, and
 * the ports alone would take away what an engine before this one had made. */
void cli_apply_now(struct cli *cli)
{
    if (!cli->dirty || !cli->loaded)
        return;
    const struct clock *clk = control_clock(cli->control);
    usec_t begin = clock_mono(clk);
    struct intent want = {0};
    cli->dirty = false;
    evtimer_del(cli->apply_ev);
    intent_from_tree(cli->tree, cli->box.asa, &want);
    warn_cut(cli, &want);
    control_apply(cli->control, &want);
    keep_running(cli);
    cli->apply_cost = clock_mono(clk) - begin;
}

static void on_apply(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    cli_apply_now((struct cli *)ctx);
}

void cli_edited(struct cli *cli, const struct session *by)
{
    cli->changed_wall = clock_wall(control_clock(cli->control));
    str_copy(cli->changed_by, sizeof cli->changed_by, by ? by->user : "enable_15");
    if (cli->dirty)
        return;
    cli->dirty = true;
    usec_t pause = APPLY_PAUSE + 4 * cli->apply_cost;
    if (pause > APPLY_LATE)
        pause = APPLY_LATE;
    struct timeval tv = {.tv_sec = pause / USEC_PER_SEC, .tv_usec = pause % USEC_PER_SEC};
    evtimer_add(cli->apply_ev, &tv);
}

/* --- what a box starts with ---------------------------------------------------------------- */

struct port_names {
    struct txn *t;
};

static bool add_port(void *ctx, const struct query_port *p)
{
    struct txn *t = ((struct port_names *)ctx)->t;
    if (!cfg_find_word(t->tree->root, E_INTERFACE, p->name)) {
        char name[INTENT_NAME];
        str_copy(name, sizeof name, p->name);
        struct a_interface a = {.has_name = true, .name = name};
        struct cfg_node *n = txn_set(t, t->tree->root, E_INTERFACE, &a);
        return n && if_line_defaults(t, n) == 0;
    }
    return true;
}

/* The ports exist without a line; the name of the box has a default that is always printed. */
static int add_fixed(struct txn *t, void *ctx)
{
    struct cli *cli = (struct cli *)ctx;
    struct port_names p = {.t = t};
    query_ports(cli->control, add_port, &p);
    if (!cfg_first(t->tree->root, E_HOSTNAME)) {
        char name[] = "ciscoasa", ios[] = "Router";
        struct a_hostname a = {.has_name = true, .name = cli->box.asa ? name : ios};
        txn_set(t, t->tree->root, E_HOSTNAME, &a);
    }
    return 0;
}

/* What a box without a configuration begins with and may then lose. */
static int add_defaults(struct txn *t, void *ctx)
{
    static const struct a_timestamps_log log = {.datetime = true, .msec = true};
    static const struct a_timestamps_debug debug = {.datetime = true, .msec = true};
    if (add_fixed(t, ctx) < 0)
        return -1;
    if (t->asa)
        return 0;
    return txn_set(t, t->tree->root, E_TIMESTAMPS_LOG, &log) &&
                   txn_set(t, t->tree->root, E_TIMESTAMPS_DEBUG, &debug)
               ? 0
               : -1;
}

/* Asked of the processor itself: the engine opens no files. */
static void cpu_model(char *buf, size_t cap)
{
    str_copy(buf, cap, "x86-64");
#ifdef __x86_64__
    unsigned word[13] = {0}; /* 48 characters and an end */
    if ((unsigned)__get_cpuid_max(0x80000000u, NULL) < 0x80000004u)
        return;
    for (unsigned i = 0; i < 3; i++)
        __get_cpuid(0x80000002u + i, &word[4 * i], &word[4 * i + 1], &word[4 * i + 2],
                    &word[4 * i + 3]);
    char *name = (char *)word, *at = strstr(name, " @"); /* the clock rate is said apart */
    if (at)
        *at = 0;
    str_copy(buf, cap, name + strspn(name, " "));
#endif
}

static void describe_hardware(struct cli *cli)
{
    char cpu[80];
    cpu_model(cpu, sizeof cpu);
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    long mb = pages > 0 && size > 0 ? pages / 1024 * size / 1024 : 0;
    snprintf(cli->hardware, sizeof cli->hardware, "%s, %ld MB RAM, CPU %s",
             cli->box.model[0] ? cli->box.model : (cli->box.asa ? "ASAv" : "Tandem"), mb, cpu);
}

static void on_reap(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    session_reap((struct cli *)ctx);
}

struct cli *cli_new(struct control *control, const struct lm_box *box)
{
    struct cli *cli = (struct cli *)calloc(1, sizeof *cli);
    if (!cli)
        return NULL;
    cli->control = control;
    cli->box = *box;
    cli->tree = cfg_tree_new();
    cli->apply_ev = evtimer_new(control_base(control), on_apply, cli);
    cli->reap_ev = evtimer_new(control_base(control), on_reap, cli);
    if (!cli->tree || !cli->apply_ev || !cli->reap_ev) {
        cli_free(cli);
        return NULL;
    }
    describe_hardware(cli);
    cli_config(cli, add_defaults, cli);
    cli->saved_serial = cli->tree->serial;
    return cli;
}

void cli_free(struct cli *cli)
{
    if (!cli)
        return;
    while (cli->sessions)
        session_free(cli->sessions);
    if (cli->apply_ev)
        event_free(cli->apply_ev);
    if (cli->reap_ev)
        event_free(cli->reap_ev);
    if (cli->tree)
        cfg_tree_free(cli->tree);
    str_wipe(&cli->startup);
    free(cli);
}

struct cfg_tree *cli_tree(struct cli *cli)
{
    return cli->tree;
}

void cli_ports_changed(struct cli *cli)
{
    cli_config(cli, add_fixed, cli);
    cli->dirty = true;
    /* Before the startup-config the tree is next to empty: to apply it would take away what an
     * engine before this one had made, for the moment until the configuration comes. */
    if (cli->loaded)
        cli_apply_now(cli);
}

static bool room_for(const struct cli *cli, int64_t uid)
{
    unsigned most = uid == 0 ? SESSIONS_MAX : SESSIONS_MAX - SESSIONS_KEPT, mine = 0;
    for (const struct session *s = cli->sessions; s && uid > 0; s = s->next)
        mine += s->trusted && s->uid == uid && !s->closing;
    return cli->n_sessions < most && mine < SESSIONS_PER_UID;
}

static struct session *attach(struct cli *cli, int fd, int64_t uid)
{
    bool room = room_for(cli, uid);
    /* Who is turned away gets to know why, as long as they are not a flood of their own. */
    struct session *s =
        room || cli->n_sessions < SESSIONS_MAX + SESSIONS_KEPT ? session_new(cli, fd, uid) : NULL;
    if (!s)
        close(fd);
    else if (!room)
        session_bye(s, "% All console lines are in use, try again later.\n");
    return room ? s : NULL;
}

struct session *cli_attach_vouched(struct cli *cli, int fd)
{
    return attach(cli, fd, -1);
}

int cli_attach(struct cli *cli, int fd, bool trusted)
{
    return attach(cli, fd, trusted ? 0 : -1) ? 0 : -EBUSY;
}

int cli_attach_local(struct cli *cli, int fd, uint32_t uid)
{
    return attach(cli, fd, uid) ? 0 : -EBUSY;
}

void cli_notice(struct cli *cli, const char *line)
{
    struct session *next;
    for (struct session *s = cli->sessions; s; s = next) {
        next = s->next;
        if (s->started && !s->closing && (s->monitor || s->debugging))
            ipc_send2(s->ipc, CLI_NOTICE, line, strlen(line), "\n", 1);
    }
}

/* Only a person reads along: what a script asked for is its output alone. */
static bool reads_along(const struct session *s, bool console, bool monitor)
{
    if (!s->started || s->closing || !s->hello.interactive)
        return false;
    return (console && s->trusted && !s->hello.must_auth) || (monitor && s->monitor);
}

void cli_terminal(struct cli *cli, bool console, bool monitor, const char *line)
{
    struct session *next;
    for (struct session *s = cli->sessions; s; s = next) {
        next = s->next;
        if (reads_along(s, console, monitor))
            ipc_send2(s->ipc, CLI_NOTICE, line, strlen(line), "\n", 1);
    }
}

/* --- startup-config -------------------------------------------------------------------------- */

struct load {
    struct cli *cli;
    const char *what;
    struct line_place place;
    struct line_text more;
    struct line_result *r;
    unsigned number, refused;
};

static void load_refused(struct load *l, const char *text, const char *why)
{
    char first[64];
    size_t n = 0;
    /* The line's first words only: the rest may hold a key. */
    for (unsigned words = 0; n < sizeof first - 1 && text[n]; n++) {
        if (text[n] == ' ' && ++words == 2)
            break;
        first[n] = text[n];
    }
    first[n] = 0;
    l->refused++;
    log_line(control_log(l->cli->control), LOGL_WARNING, "config",
             "%s line %u refused (%s): %s ...", l->what, l->number, why, first);
}

static void load_line(struct load *l, const char *text)
{
    static const char *const why[] = {[LINE_INCOMPLETE] = "incomplete",
                                      [LINE_AMBIGUOUS] = "ambiguous",
                                      [LINE_INVALID] = "invalid",
                                      [LINE_TOO_LONG] = "too long"};
    struct line_result *r = l->r;
    line_place_check(&l->place, l->cli->tree);
    line_read(&l->more, &l->place, l->cli->tree, text, r);
    if (r->status == LINE_OK && !line_is_exec(r->entry)) {
        struct txn t;
        txn_begin(&t, l->cli->tree, l->cli->box.asa);
        t.checks = g_checks;
        t.loading = true;
        if (line_edit(&l->place, &t, r) < 0) {
            load_refused(l, text, str_text(&t.error));
            txn_rollback(&t);
        } else {
            txn_commit(&t);
        }
        txn_end(&t);
    } else if (r->status != LINE_OK && r->status != LINE_EMPTY && r->status != LINE_OPEN) {
        load_refused(l, text, why[r->status]);
    }
    line_result_free(r);
    if (l->place.depth == 0) /* `end` ends a saved IOS configuration */
        l->place.depth = 1;
}

/* Every line of text into the tree; `what` is its name in the log. */
static void load_text(struct cli *cli, const char *what, const char *text, size_t len)
{
    struct load l = {.cli = cli, .what = what};
    l.r = (struct line_result *)calloc(1, sizeof *l.r);
    if (!l.r)
        return;
    line_place_init(&l.place, cli->box.asa, 15, cli->tree);
    l.place.depth = 1;
    for (size_t at = 0; at < len;) {
        const char *end = (const char *)memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - (text + at)) : len - at;
        char line[LINE_MAX_ASA + 2];
        size_t keep = n < sizeof line ? n : sizeof line - 1; /* the parser says "too long" */
        memcpy(line, text + at, keep);
        line[keep] = 0;
        if (keep && line[keep - 1] == '\r')
            line[keep - 1] = 0;
        l.number++;
        if (strncmp(line, ": Written by ", 13) == 0)
            str_copy(cli->written, sizeof cli->written, line);
        load_line(&l, line);
        mem_wipe(line, sizeof line);
        at += n + (end ? 1 : 0);
    }
    if (line_text_open(&l.more))
        load_refused(&l, str_text(&l.more.whole), "its text has no end");
    line_text_drop(&l.more);
    free(l.r);
    if (l.refused)
        log_line(control_log(cli->control), LOGL_WARNING, "config", "%s: %u of %u lines refused",
                 what, l.refused, l.number);
}

/* The tree becomes what startup-config says; nothing is applied yet. */
static void load_startup(struct cli *cli, const char *text, size_t len)
{
    cli_config(cli, add_fixed, cli);
    config_written_by(cli, "enable_15"); /* when the file does not say */
    load_text(cli, "startup-config", text, len);
    cli->has_startup = cli->booted_with = len > 0;
    cli->saved_serial = cli->tree->serial;
    str_clear(&cli->startup);
    if (cli->has_startup)
        config_text(cli, TEXT_STARTUP, &cli->startup);
}

static void loaded(struct cli *cli)
{
    cli->loaded = true;
    cli->dirty = true;
    cli_apply_now(cli);
    for (struct session *s = cli->sessions, *next; s; s = next) {
        next = s->next;
        session_pump(s);
    }
    if (!cli->box.restarted)
        syslog_ios(control_syslog(cli->control), "SYS", 5, "RESTART",
                   "System restarted --\nTandem Software, Version %s", cli->box.version);
}

void cli_load(struct cli *cli, const char *text, size_t len)
{
    load_startup(cli, text, len);
    loaded(cli);
}

static int forget_all(struct txn *t, void *ctx)
{
    (void)ctx;
    txn_clear_children(t, t->tree->root);
    return 0;
}

void cli_resume(struct cli *cli, const char *startup, size_t len, const char *running,
                size_t running_len)
{
    struct str was = {0}, is = {0};
    load_startup(cli, startup, len);
    print_tree(cli->tree, cli->box.asa, PRINT_SECRETS, &was);
    cli_config(cli, forget_all, NULL);
    cli_config(cli, add_fixed, cli);
    load_text(cli, "running-config", running, running_len);
    print_tree(cli->tree, cli->box.asa, PRINT_SECRETS, &is);
    bool saved = !was.bad && !is.bad && strcmp(str_text(&was), str_text(&is)) == 0;
    cli->saved_serial = saved ? cli->tree->serial : 0;
    str_wipe(&was);
    str_wipe(&is);
    loaded(cli);
}

/* --- who may come in ------------------------------------------------------------------------- */

bool cli_address_allowed(const struct cli *cli, const char *peer)
{
    struct addr a;
    const struct cfg_node *root = cli->tree->root;
    if (!cli->box.asa || (!cfg_first(root, E_SSH_ALLOW) && !cfg_first(root, E_SSH_ALLOW6)))
        return true;
    if (addr_parse(peer, &a) < 0)
        return false;
    cfg_each(root, E_SSH_ALLOW6, n)
    {
        const struct prefix *s = &CFG_ARGS(n, ssh_allow6)->prefix;
        struct prefix p = prefix_make(&s->addr, s->len);
        if (prefix_contains(&p, &a))
            return true;
    }
    cfg_each(root, E_SSH_ALLOW, n)
    {
        const struct a_ssh_allow *s = CFG_ARGS(n, ssh_allow);
        int plen = addr_mask_to_len(&s->mask);
        if (plen < 0)
            continue;
        struct prefix p = prefix_make(&s->addr, (unsigned)plen);
        if (prefix_contains(&p, &a))
            return true;
    }
    return false;
}

struct account {
    unsigned level;
    bool nopassword;
    const char *hash; /* NULL: none set */
};

static bool find_account(const struct cli *cli, const char *user, struct account *a)
{
    const struct cfg_node *n =
        cfg_find_word(cli->tree->root, cli->box.asa ? E_USERNAME : E_USERNAME_IOS, user);
    if (!n)
        return false;
    if (cli->box.asa) {
        const struct a_username *u = CFG_ARGS(n, username);
        *a = (struct account){.level = u->has_privilege ? (unsigned)u->privilege : 2,
                              .nopassword = u->nopassword,
                              .hash = u->password};
    } else {
        const struct a_username_ios *u = CFG_ARGS(n, username_ios);
        *a = (struct account){.level = u->has_privilege ? (unsigned)u->privilege : 1,
                              .nopassword = u->nopassword,
                              .hash = u->secret};
    }
    return true;
}

bool cli_user(const struct cli *cli, const char *user, unsigned *level)
{
    struct account a;
    if (!find_account(cli, user, &a))
        return false;
    *level = a.level;
    return true;
}

bool cli_login(const struct cli *cli, const char *user, const char *password, unsigned *level)
{
    struct account a;
    if (!find_account(cli, user, &a))
        return password_verify_nobody(password);
    *level = a.level;
    return a.nopassword || (a.hash && password_verify(a.hash, password));
}
