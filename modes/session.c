/*
 * One CLI session: frames of lib/cliproto.h in, lines to the parser, commands to their hooks.
 *
 * A session handles one frame at a time. While a command waits for something (a ping, a
 * question, a file being saved) further lines are kept in a bounded queue; when that is full the
 * channel is paused, so a shell that pastes is pushed back and nothing is lost. ABORT, ANSWER and
 * WINDOW are taken at once.
 *
 * Ownership: the session owns its channel and its queue. It is never freed inside of a handler:
 * session_bye() and the loss of the channel mark it, the reaper frees it on the next loop round.
 */
#include "modes/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define OUT_CHUNK ((size_t)64 * 1024)
#define OUT_LIMIT ((size_t)16 * 1024 * 1024)

uint16_t session_page_lines(const struct session *s)
{
    if (!s->hello.interactive)
        return 0;
    if (s->own_length)
        return s->length;
    const struct cfg_node *n = s->cli->box.asa ? cfg_first(s->cli->tree->root, E_PAGER) : NULL;
    if (n) {
        uint64_t lines = CFG_ARGS(n, pager)->lines;
        return (uint16_t)(lines > UINT16_MAX ? UINT16_MAX : lines);
    }
    return s->hello.lines ? s->hello.lines : 24;
}

uint16_t session_width(const struct session *s)
{
    if (s->own_width)
        return s->width;
    return s->hello.columns ? s->hello.columns : 80;
}

static void reap_soon(struct session *s)
{
    event_active(s->cli->reap_ev, EV_TIMEOUT, 0);
}

static void send_text(struct session *s, uint16_t type, const char *text, size_t len)
{
    while (len) {
        size_t n = len > OUT_CHUNK ? OUT_CHUNK : len;
        if (ipc_send(s->ipc, type, text, n) < 0) {
            /* Gone, or so far behind that the limit is reached: better no output than a gap. */
            s->closing = true;
            reap_soon(s);
            return;
        }
        text += n;
        len -= n;
    }
}

void session_flush(struct session *s)
{
    if (s->out.len && !s->closing)
        send_text(s, CLI_OUT, s->out.s, s->out.len);
    str_wipe(&s->out);
}

void session_done(struct session *s, bool refused)
{
    session_flush(s);
    if (s->closing)
        return;
    struct cli_done d = {.refused = refused,
                         .asa = s->cli->box.asa,
                         .secret = s->line.entry && line_has_secret(s->line.entry),
                         .page_lines = session_page_lines(s),
                         .width = session_width(s),
                         .history = s->history,
                         .text = line_text_open(&s->text)};
    struct str prompt = {0};
    line_place_check(&s->place, s->cli->tree);
    if (!d.text)
        line_prompt(&s->place, cli_hostname(s->cli), &prompt);
    ipc_send2(s->ipc, CLI_DONE, &d, sizeof d, str_text(&prompt), prompt.len);
    str_free(&prompt);
}

static void drained(struct ipc *c, void *ctx)
{
    (void)c;
    reap_soon((struct session *)ctx);
}

void session_bye(struct session *s, const char *text)
{
    if (s->closing)
        return;
    session_flush(s);
    ipc_send(s->ipc, CLI_BYE, text, strlen(text));
    s->closing = true;
    s->running = false;
    if (ipc_pending(s->ipc) == 0)
        reap_soon(s);
    else
        ipc_on_drained(s->ipc, 0, drained);
}

/* --- what a finished command does ------------------------------------------------------ */

void session_finish(struct session *s, int result)
{
    if (!s->running)
        return;
    s->running = false;
    s->cmd.state = NULL;
    s->cmd.on_abort = NULL;
    s->cmd.on_answer = NULL;
    session_done(s, result == CMD_REFUSED);
    line_result_free(&s->line);
    session_pump(s);
}

/* EXEC hooks that neither read state nor edit: the configuration need not be applied first. */
static bool needs_no_state(uint16_t entry)
{
    return entry == E_EXIT || entry == E_CONFIGURE || entry == E_ENABLE || entry == E_DISABLE ||
           entry == E_CONFIG_VERSION || entry == E_CONFIG_MARKER || entry == E_TERMINAL_PAGER ||
           entry == E_TERMINAL_WIDTH || entry == E_TERMINAL_LENGTH;
}

static void remember(struct session *s, const char *text)
{
    if (s->n_typed == HISTORY_LINES) {
        free(s->typed[0]);
        memmove(s->typed, s->typed + 1, sizeof s->typed[0] * (HISTORY_LINES - 1));
        s->n_typed--;
    }
    char *copy = strdup(text);
    if (copy)
        s->typed[s->n_typed++] = copy;
}

static void run_exec(struct session *s, const char *text)
{
    struct line_result *r = &s->line;
    if (!line_has_secret(r->entry))
        remember(s, text);
    if (!needs_no_state(r->entry))
        cli_apply_now(s->cli);
    session_log_command(s, text, false);
    if (r->piped)
        ipc_send2(s->ipc, CLI_FILTER, &r->filter, sizeof r->filter, r->filter_re,
                  strlen(r->filter_re));
    s->cmd = (struct cmd){.session = s,
                          .control = s->cli->control,
                          .tree = s->cli->tree,
                          .line = r,
                          .asa = s->cli->box.asa};
    s->running = true;
    unsigned depth = s->place.depth;
    int rc = g_calls[r->entry](&s->cmd, r->args);
    if (depth && !s->place.depth) /* `exit` */
        session_log_left_config(s);
    if (rc != CMD_ASYNC && s->running)
        session_finish(s, rc);
    else
        session_flush(s);
}

static void run_config(struct session *s, const char *text)
{
    unsigned depth = s->place.depth;
    struct txn t;
    uint64_t before = s->cli->tree->serial;
    txn_begin(&t, s->cli->tree, s->cli->box.asa);
    t.checks = g_checks;
    bool refused = line_edit(&s->place, &t, &s->line) < 0;
    if (refused) {
        txn_rollback(&t);
        str_add(&s->out, str_text(&t.error));
        if (s->out.len && s->out.s[s->out.len - 1] != '\n')
            str_addc(&s->out, '\n');
    } else {
        txn_commit(&t);
        str_add(&s->out, str_text(&t.notes));
        if (s->line.to_default && s->line.entry == E_INTERFACE)
            str_printf(&s->out, "Interface %s set to default configuration\n",
                       ((const struct a_interface *)(const void *)s->line.args)->name);
        if (s->line.entry == E_OSPF && !s->line.negate && !query_routing_present(s->cli->control))
            ospf_absent_text(&s->out);
        scheme_waits_text(s->cli, &s->line, &s->out);
        if (s->cli->tree->serial != before)
            cli_edited(s->cli, s);
        if (s->line.entry)
            session_log_command(s, text, true); /* of a text: its last line */
    }
    txn_end(&t);
    if (depth && !s->place.depth)
        session_log_left_config(s);
    session_done(s, refused);
    line_result_free(&s->line);
}

/* The line begins a text, or is one of it. */
static void text_goes_on(struct session *s, bool begun)
{
    if (begun)
        str_printf(&s->out, "Enter TEXT message.  End with the character '%s'.\n", s->text.until);
    session_done(s, false);
    line_result_free(&s->line);
}

static void on_exec(struct session *s, const char *text)
{
    bool begun = !line_text_open(&s->text);
    line_place_check(&s->place, s->cli->tree);
    line_read(&s->text, &s->place, s->cli->tree, text, &s->line);
    if (s->line.status == LINE_OPEN) {
        text_goes_on(s, begun);
        return;
    }
    if (s->line.status == LINE_EMPTY) {
        session_done(s, false);
        line_result_free(&s->line);
        return;
    }
    if (s->line.status != LINE_OK) {
        struct str prompt = {0};
        line_prompt(&s->place, cli_hostname(s->cli), &prompt);
        line_error(&s->place, &s->line, text, s->hello.interactive ? prompt.len : 0, &s->out);
        str_free(&prompt);
        session_done(s, true);
        line_result_free(&s->line);
        return;
    }
    if (line_is_exec(s->line.entry))
        run_exec(s, text);
    else
        run_config(s, text);
}

static void on_help(struct session *s, const char *text)
{
    line_place_check(&s->place, s->cli->tree);
    line_help(&s->place, s->cli->tree, text, &s->out);
    session_done(s, false);
}

static void on_complete(struct session *s, const char *text)
{
    struct str full = {0};
    line_place_check(&s->place, s->cli->tree);
    line_complete(&s->place, s->cli->tree, text, &full);
    ipc_send(s->ipc, CLI_COMPLETION, str_text(&full), full.len);
    str_free(&full);
}

/* --- coming in --------------------------------------------------------------------------- */

static void on_hello(struct session *s, const unsigned char *data, size_t len)
{
    if (s->greeted || len < sizeof s->hello || len - sizeof s->hello >= sizeof s->peer) {
        session_bye(s, "");
        return;
    }
    memcpy(&s->hello, data, sizeof s->hello);
    memcpy(s->peer, data + sizeof s->hello, len - sizeof s->hello);
    s->greeted = true;
    if (s->admitted) /* another session vouched for it */
        return;
    if (s->hello.must_auth)
        banner_send(s);
    /* Only the unix socket vouches for who is there; what access passes on must prove it. */
    s->admitted = s->trusted && !s->hello.must_auth;
    if (s->admitted) {
        s->user_level = session_is_root(s) ? 15 : 1;
        const char *nobody = s->hello.interactive || s->uid ? "enable_1" : "enable_15";
        str_copy(s->user, sizeof s->user, s->cli->box.asa ? nobody : "console");
    }
}

/* Anybody may try: one line a second. */
static void say_refused(const struct session *s, const char *user, size_t len)
{
    struct control *c = s->cli->control;
    uint64_t held;
    if (!log_limit_pass(&s->cli->refused, clock_mono(control_clock(c)), USEC_PER_SEC, &held))
        return;
    session_log_auth(s, user, (int)(len < sizeof s->user ? len : sizeof s->user), false);
    log_line(control_log(c), LOGL_WARNING, "login",
             "refused: user %.*s from %s (%llu more since the last line)",
             (int)(len < sizeof s->user ? len : sizeof s->user), user, s->peer,
             (unsigned long long)held);
}

static void on_auth(struct session *s, const char *user, size_t len)
{
    struct cli_auth_result res = {0};
    size_t ulen = strnlen(user, len);
    unsigned level = 0;
    if (s->greeted && !s->started && !s->admitted && ulen < len && ulen < sizeof s->user &&
        s->failures < AUTH_TRIES && cli_address_allowed(s->cli, s->peer) &&
        cli_login(s->cli, user, user + ulen + 1, &level)) {
        memcpy(s->user, user, ulen + 1);
        memcpy(s->login, user, ulen + 1);
        s->user_level = level;
        s->admitted = true;
        session_log_auth(s, user, (int)ulen, true);
        res.ok = 1;
        res.privilege = (uint8_t)level;
    } else {
        s->failures++;
        say_refused(s, user, ulen);
    }
    ipc_send(s->ipc, CLI_AUTH_RESULT, &res, sizeof res);
}

/* One more channel of an SSH connection whose user has proved who he is. */
static void on_vouch(struct session *s, struct ipc_msg *m)
{
    unsigned level;
    if (!s->admitted || s->trusted || m->nfds != 1 || !cli_user(s->cli, s->login, &level))
        return; /* the descriptor is closed, which the other end notices */
    int fd = m->fds[0];
    m->fds[0] = -1;
    struct session *v = cli_attach_vouched(s->cli, fd);
    if (!v)
        return;
    str_copy(v->user, sizeof v->user, s->login);
    str_copy(v->login, sizeof v->login, s->login);
    v->user_level = level;
    v->admitted = true;
}

/* At which privilege a session begins (cli.md §8). A person on the console or on an ASA starts at
 * level 1 and enables; scripts start where their user stands. */
static unsigned start_level(const struct session *s)
{
    if (!s->hello.interactive)
        return s->user_level;
    if (s->trusted && !s->hello.must_auth)
        return 1;
    if (!s->cli->box.asa)
        return s->user_level;
    const struct cfg_node *n = cfg_first(s->cli->tree->root, E_AAA_AUTHORIZATION);
    bool auto_enable = n && CFG_ARGS(n, aaa_authorization)->auto_enable;
    return auto_enable && s->user_level == 15 ? 15 : 1;
}

static void on_start(struct session *s)
{
    if (!s->admitted || s->started) {
        session_bye(s, "");
        return;
    }
    s->started = true;
    line_place_init(&s->place, s->cli->box.asa, start_level(s), s->cli->tree);
    banner_greet(s);
    session_done(s, false);
}

/* --- frames ------------------------------------------------------------------------------- */

static void handle(struct session *s, uint16_t type, const unsigned char *data, size_t len)
{
    /* Every text of the protocol comes without a NUL; parsers want one. */
    char *text = (char *)malloc(len + 1);
    if (!text)
        return;
    memcpy(text, data, len);
    text[len] = 0;
    bool line = type == CLI_EXEC || type == CLI_HELP || type == CLI_COMPLETE;
    if (line)
        line_blanks(text);
    if (type == CLI_HELLO)
        on_hello(s, data, len);
    else if (type == CLI_AUTH)
        on_auth(s, text, len);
    else if (type == CLI_START)
        on_start(s);
    else if (line && !s->started)
        session_bye(s, "");
    else if (type == CLI_EXEC)
        on_exec(s, text);
    else if (type == CLI_HELP)
        on_help(s, text);
    else if (type == CLI_COMPLETE)
        on_complete(s, text);
    mem_wipe(text, len + 1);
    free(text);
}

static void queue_frame(struct session *s, const struct ipc_msg *m)
{
    struct session_frame *f = (struct session_frame *)malloc(sizeof *f + m->len);
    if (!f)
        return;
    f->next = NULL;
    f->type = m->type;
    f->len = m->len;
    memcpy(f->data, m->data, m->len);
    if (s->last)
        s->last->next = f;
    else
        s->first = f;
    s->last = f;
    s->queued_bytes += m->len;
    if (++s->queued >= SESSION_QUEUE || s->queued_bytes >= SESSION_QUEUE_BYTES) {
        s->paused = true;
        ipc_pause(s->ipc, true);
    }
}

static struct session_frame *unqueue(struct session *s)
{
    struct session_frame *f = s->first;
    s->first = f->next;
    if (!s->first)
        s->last = NULL;
    s->queued--;
    s->queued_bytes -= f->len;
    if (s->paused && s->queued < SESSION_QUEUE / 2 && s->queued_bytes < SESSION_QUEUE_BYTES / 2) {
        s->paused = false;
        ipc_pause(s->ipc, false);
    }
    return f;
}

/* Not before the box's configuration is there: what a session saw, changed or saved would be that
 * of the bare ports. cli.c goes on with it then. */
void session_pump(struct session *s)
{
    if (s->pumping || !s->cli->loaded)
        return;
    s->pumping = true;
    while (s->first && !s->running && !s->closing) {
        struct session_frame *f = unqueue(s);
        handle(s, f->type, f->data, f->len);
        mem_wipe(f->data, f->len);
        free(f);
    }
    s->pumping = false;
}

static void on_answer(struct session *s, const struct ipc_msg *m)
{
    char answer[512];
    if (!s->running || !s->cmd.on_answer || m->len >= sizeof answer)
        return;
    memcpy(answer, m->data, m->len);
    answer[m->len] = 0;
    void (*fn)(struct cmd *, const char *) = s->cmd.on_answer;
    s->cmd.on_answer = NULL;
    fn(&s->cmd, answer);
    session_flush(s);
    mem_wipe(answer, sizeof answer);
}

static void on_abort(struct session *s)
{
    if (line_text_open(&s->text)) {
        line_text_drop(&s->text);
        session_done(s, true);
        return;
    }
    if (!s->running)
        return;
    if (s->cmd.on_abort)
        s->cmd.on_abort(&s->cmd);
    else if (s->cmd.on_answer) /* a question: Ctrl-C takes the command back */
        session_finish(s, CMD_REFUSED);
}

static void on_msg(struct ipc *c, struct ipc_msg *m, void *ctx)
{
    struct session *s = (struct session *)ctx;
    (void)c;
    if (s->closing)
        return;
    if (m->type == CLI_ABORT) {
        on_abort(s);
    } else if (m->type == CLI_ANSWER) {
        on_answer(s, m);
    } else if (m->type == CLI_VOUCH) {
        on_vouch(s, m);
    } else if (m->type == CLI_WINDOW) {
        struct cli_window w;
        if (m->len != sizeof w)
            return;
        memcpy(&w, m->data, sizeof w);
        s->hello.lines = w.lines;
        s->hello.columns = w.columns;
    } else {
        queue_frame(s, m);
        session_pump(s);
    }
}

static void on_closed(struct ipc *c, void *ctx)
{
    struct session *s = (struct session *)ctx;
    (void)c;
    s->closing = true;
    reap_soon(s);
}

bool session_is_root(const struct session *s)
{
    return s->trusted && s->uid == 0;
}

/* Whoever opens a channel has its first words ready; a person types later. */
static void on_silence(evutil_socket_t fd, short what, void *ctx)
{
    struct session *s = (struct session *)ctx;
    (void)fd;
    (void)what;
    if (!s->greeted || (s->admitted && s->trusted && !s->started))
        session_bye(s, "");
}

static int start_silence(struct session *s)
{
    static const struct timeval patience = {.tv_sec = 10};
    s->silence = evtimer_new(control_base(s->cli->control), on_silence, s);
    return s->silence ? evtimer_add(s->silence, &patience) : -1;
}

struct session *session_new(struct cli *cli, int fd, int64_t uid)
{
    struct session *s = (struct session *)calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->cli = cli;
    s->trusted = uid >= 0;
    s->uid = uid >= 0 ? (uint32_t)uid : 0;
    s->history = cli->box.asa ? 19 : 10;
    if (start_silence(s) == 0)
        s->ipc = ipc_new(control_base(cli->control), fd, on_msg, on_closed, s);
    if (!s->ipc) {
        if (s->silence)
            event_free(s->silence);
        free(s);
        return NULL;
    }
    ipc_set_limit(s->ipc, OUT_LIMIT);
    s->next = cli->sessions;
    if (s->next)
        s->next->prev = s;
    cli->sessions = s;
    cli->n_sessions++;
    return s;
}

/* Debugging ends with the last session that watches it (as on the ASA). */
static void stop_debugging(const struct session *s)
{
    if (!s->debugging)
        return;
    for (const struct session *o = s->cli->sessions; o; o = o->next)
        if (o != s && o->debugging)
            return;
    for (unsigned i = 0; i < CONTROL_DEBUG_CLASSES; i++)
        control_debug(s->cli->control, i, 0);
}

void session_free(struct session *s)
{
    session_log_gone(s);
    stop_debugging(s);
    s->closing = true;
    if (s->running && s->cmd.on_abort)
        s->cmd.on_abort(&s->cmd);
    s->running = false;
    while (s->first) {
        struct session_frame *f = s->first;
        s->first = f->next;
        mem_wipe(f->data, f->len);
        free(f);
    }
    if (s->prev)
        s->prev->next = s->next;
    else
        s->cli->sessions = s->next;
    if (s->next)
        s->next->prev = s->prev;
    s->cli->n_sessions--;
    for (unsigned i = 0; i < s->n_typed; i++)
        free(s->typed[i]);
    line_result_free(&s->line);
    line_text_drop(&s->text);
    str_wipe(&s->out);
    event_free(s->silence);
    ipc_free(s->ipc);
    free(s);
}

void session_reap(struct cli *cli)
{
    struct session *next;
    for (struct session *s = cli->sessions; s; s = next) {
        next = s->next;
        if (s->closing)
            session_free(s);
    }
}
