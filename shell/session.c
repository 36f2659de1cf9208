/* One interactive session. See session.h. */
#include "shell/session.h"
#include "lib/mem.h"
#include "shell/edit.h"
#include "shell/pager.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define KEY_ABORT  0x03
#define KEY_ESCAPE 0x1e
#define ANSWER_MAX 1024
#define SETTLE_MS  5 /* how long output may wait for more of it before it is written */

struct session {
    struct link *link;
    const struct session_io *io;
    struct term term;
    struct pager pager;
    struct filter *search; /* "/RE" at --More-- */
    bool quit;             /* the rest of the command's output is not wanted */
    bool abortable;        /* the running command is one that a person typed */
    bool abort_sent;
    bool hangup;
    unsigned long refused;
    enum { AT_COMMAND, AT_PROMPT, AT_QUESTION } where;
};

static bool ended(const struct session *s)
{
    return s->link->over || s->hangup || s->term.broken;
}

static void on_control(struct session *s)
{
    struct cli_window w = {0};
    switch (s->io->on_control(s->io->control, &w)) {
    case CONTROL_WINDOW:
        edit_screen(w.columns);
        link_window(s->link, &w);
        break;
    case CONTROL_HANGUP:
        s->hangup = true;
        break;
    case CONTROL_NONE:
        break;
    }
}

enum { GOT_KEYS = 1, GOT_ENGINE = 2 };

/* One round of poll(). engine: POLLIN to take frames, 0 to notice only its end. Returns what
 * has something to read; keys are read already. */
static int wait_round(struct session *s, short engine, int timeout)
{
    struct pollfd p[3] = {
        {.fd = ipc_fd(s->link->ipc), .events = engine},
        {.fd = s->term.eof || term_full(&s->term) ? -1 : s->term.in, .events = POLLIN},
        {.fd = s->io->control, .events = POLLIN},
    };
    int n = poll(p, 3, timeout);
    if (n < 0 && errno != EINTR)
        s->hangup = true;
    if (n <= 0)
        return 0;
    int got = 0;
    if (p[1].revents && term_fill(&s->term))
        got |= GOT_KEYS;
    if (p[2].revents)
        on_control(s);
    if (p[0].revents)
        got |= GOT_ENGINE;
    return got;
}

/* --- what the engine says ------------------------------------------------------------------ */

static void show_notices(struct session *s)
{
    struct str *n = &s->link->notices;
    if (!n->len)
        return;
    term_fresh_line(&s->term);
    term_put(&s->term, n->s, n->len);
    term_fresh_line(&s->term);
    str_clear(n);
    if (s->where == AT_PROMPT)
        edit_again();
    else if (s->where == AT_QUESTION)
        term_puts(&s->term, str_text(&s->link->question));
}

/* The next key; frames that come meanwhile are taken (at a prompt or a question: notices
 * and the end of the session). -1 when no key will come any more. */
static int wait_key(void *ctx)
{
    struct session *s = (struct session *)ctx;
    for (;;) {
        int key = term_key(&s->term);
        if (key >= 0)
            return key;
        if (ended(s) || s->term.eof)
            return -1;
        if (!ipc_ready(s->link->ipc)) {
            term_flush(&s->term);
            if (!(wait_round(s, POLLIN, -1) & GOT_ENGINE))
                continue;
        }
        link_receive(s->link);
        show_notices(s);
    }
}

/* --- pager ----------------------------------------------------------------------------------- */

/* A key for the pager. The engine is left alone; only its end is noticed. */
static int pager_wait_key(struct session *s)
{
    for (;;) {
        int key = term_key(&s->term);
        if (key >= 0)
            return key;
        if (ended(s) || s->term.eof)
            return -1;
        term_flush(&s->term);
        if (wait_round(s, 0, -1) & GOT_ENGINE)
            return -1;
    }
}

static void add_text(void *ctx, const char *text, size_t len)
{
    str_addn((struct str *)ctx, text, len);
}

/* "/RE" at the question: the output goes on at the first line that matches. */
static void pager_search(struct session *s)
{
    char re[ANSWER_MAX];
    size_t n = 0;
    term_puts(&s->term, "/");
    for (;;) {
        int key = pager_wait_key(s);
        if (key < 0 || key == KEY_ABORT)
            return;
        if (key == '\n')
            break;
        if ((key == '\b' || key == 0x7f) && n > 0) {
            n--;
            term_puts(&s->term, "\b \b");
        } else if (key >= ' ' && key != 0x7f && n < sizeof(re)) {
            char c = (char)key;
            re[n++] = c;
            term_put(&s->term, &c, 1);
        }
    }
    term_puts(&s->term, "\n");
    struct filter *f = filter_new(CLI_BEGIN, re, n);
    if (!f)
        return;
    filter_free(s->search);
    s->search = f;
    term_puts(&s->term, "filtering...\n");
    pager_start(&s->pager, s->pager.page, s->pager.width, s->pager.asa);
}

static void ask_more(struct session *s)
{
    term_puts(&s->term, pager_question(&s->pager));
    enum pager_action a = PAGER_IGNORE;
    while (a == PAGER_IGNORE) {
        int key = pager_wait_key(s);
        a = key < 0 ? PAGER_QUIT : pager_key(&s->pager, key);
        if (a == PAGER_UNKEY)
            term_unkey(&s->term, key);
    }
    term_puts(&s->term, pager_erase(&s->pager));
    if (a == PAGER_SEARCH)
        pager_search(s);
    else if (a != PAGER_MORE)
        s->quit = true;
}

/* Shows the output that has come so far. */
static void show_output(struct session *s)
{
    struct str text = s->link->out;
    s->link->out = (struct str){0};
    if (s->link->over) /* nobody could answer the pager's question for long */
        s->pager.page = 0;
    while (text.len && !s->quit && !s->term.broken) {
        struct filter *search = s->search;
        if (search) {
            struct str rest = {0};
            filter_feed(search, str_text(&text), text.len, add_text, &rest);
            str_wipe(&text);
            text = rest;
        }
        size_t at = 0;
        while (at < text.len && !s->quit && s->search == search) {
            size_t n = pager_take(&s->pager, text.s + at, text.len - at);
            term_put(&s->term, text.s + at, n);
            at += n;
            if (at < text.len)
                ask_more(s);
        }
        /* A new search begins with what is not shown yet. */
        if (at)
            memmove(text.s, text.s + at, text.len - at);
        text.len -= at;
    }
    str_wipe(&text);
}

/* --- questions ------------------------------------------------------------------------------- */

static void echo_key(struct session *s, int key)
{
    char c = s->link->ask.echo == '*' ? '*' : (char)key;
    if (s->link->ask.echo)
        term_put(&s->term, &c, 1);
}

static void rub_out(struct session *s, size_t n)
{
    while (n-- && s->link->ask.echo)
        term_puts(&s->term, "\b \b");
}

/* Reads the answer. False when it was refused (Ctrl-C) or nobody is there. */
static bool read_answer(struct session *s, char *answer, size_t cap)
{
    size_t n = 0;
    for (;;) {
        int key = wait_key(s);
        if (key < 0 || key == KEY_ABORT || key == KEY_ESCAPE)
            return false;
        if (key == '\n')
            break;
        if (key == '\b' || key == 0x7f) {
            rub_out(s, n > 0);
            n -= n > 0;
        } else if (key == 0x15 || key == 0x18) { /* Ctrl-U, Ctrl-X */
            rub_out(s, n);
            n = 0;
        } else if (key >= ' ' && n < cap - 1) {
            answer[n++] = (char)key;
            echo_key(s, key);
            if (s->link->ask.single_char)
                break;
        }
    }
    answer[n] = '\0';
    return true;
}

static void answer_question(struct session *s)
{
    char answer[ANSWER_MAX];
    s->link->asked = false;
    s->where = AT_QUESTION;
    term_put(&s->term, str_text(&s->link->question), s->link->question.len);
    bool given = read_answer(s, answer, sizeof(answer));
    s->where = AT_COMMAND;
    s->quit = false;
    pager_start(&s->pager, s->pager.page, s->pager.width, s->pager.asa);
    term_puts(&s->term, "\n");
    if (given)
        link_send(s->link, CLI_ANSWER, answer);
    else if (!ended(s))
        link_send(s->link, CLI_ABORT, "");
    mem_wipe(answer, sizeof(answer));
}

/* --- commands -------------------------------------------------------------------------------- */

static void send_abort(struct session *s)
{
    if (!s->abort_sent)
        link_send(s->link, CLI_ABORT, "");
    s->abort_sent = true;
}

/* Waits for a frame of the running command, with an eye on the abort keys. What was put so
 * far is written once nothing has come for a moment: a paste is answered in large writes. */
static void wait_engine(struct session *s)
{
    bool settled = false;
    while (!ipc_ready(s->link->ipc) && !ended(s)) {
        size_t mark = term_buffered(&s->term);
        int got = wait_round(s, POLLIN, settled ? -1 : SETTLE_MS);
        if (s->abortable && got & GOT_KEYS && term_take_abort(&s->term, mark))
            send_abort(s);
        if (got & GOT_ENGINE)
            break;
        if (!got && !settled) {
            term_flush(&s->term);
            settled = true;
        }
    }
    if (!ended(s))
        link_receive(s->link);
}

/* The pager was left: what still comes is dropped, and a command that goes on is stopped. */
static void drop_rest(struct session *s)
{
    while (!s->link->idle && !ended(s)) {
        if (!ipc_ready(s->link->ipc)) {
            struct pollfd p = {.fd = ipc_fd(s->link->ipc), .events = POLLIN};
            if (poll(&p, 1, SETTLE_MS) != 1)
                break;
        }
        link_receive(s->link);
        if (s->link->asked)
            break;
    }
    str_clear(&s->link->out);
    if (!s->link->idle && !ended(s))
        send_abort(s);
}

static void end_search(struct session *s)
{
    if (!s->search)
        return;
    filter_end(s->search, add_text, &s->link->out);
    filter_free(s->search);
    s->search = NULL;
}

/* From a frame that begins a command to its DONE. */
static void run_command(struct session *s, unsigned type, const char *text)
{
    struct link *l = s->link;
    pager_start(&s->pager, s->io->no_pager ? 0 : l->done.page_lines, l->done.width, l->done.asa);
    s->quit = s->abort_sent = false;
    s->abortable = type == CLI_EXEC;
    s->where = AT_COMMAND;
    link_send(l, type, text);
    while (!l->idle && !ended(s)) {
        if (!l->asked) /* a question may have come while the pager's rest was dropped */
            wait_engine(s);
        show_output(s);
        show_notices(s);
        if (l->asked)
            answer_question(s);
        else if (s->quit && !s->abort_sent)
            drop_rest(s);
    }
    end_search(s);
    show_output(s);
    if (type == CLI_EXEC && l->idle)
        s->refused += l->done.refused;
    term_fresh_line(&s->term);
}

static void on_help(void *ctx, const char *text)
{
    struct session *s = (struct session *)ctx;
    run_command(s, CLI_HELP, text);
    s->where = AT_PROMPT;
}

static void on_complete(void *ctx, const char *text, struct str *out)
{
    struct session *s = (struct session *)ctx;
    struct link *l = s->link;
    link_send(l, CLI_COMPLETE, text);
    while (!l->completed && !ended(s)) {
        if (!ipc_ready(l->ipc) && !(wait_round(s, POLLIN, -1) & GOT_ENGINE))
            continue;
        link_receive(l);
    }
    str_addn(out, str_text(&l->completion), l->completion.len);
}

static void leave_config(struct session *s)
{
    if (link_in_config(s->link) && !ended(s))
        run_command(s, CLI_EXEC, "end");
}

/* One line from the prompt on. False when no more will come. */
static bool one_line(struct session *s)
{
    struct link *l = s->link;
    char *line = NULL;
    edit_history(l->done.history);
    s->where = AT_PROMPT;
    enum edit_end end = edit_read(l->prompt, l->done.text, &line);
    s->where = AT_COMMAND;
    if (end == EDIT_EOF || ended(s)) {
        free(line);
        return false;
    }
    bool text = l->done.text; /* a line of it is no command */
    if (text && end != EDIT_ENTER) {
        run_command(s, CLI_ABORT, "");
    } else if (end != EDIT_ABORT) {
        l->done.secret = 0;
        if (end == EDIT_ENTER || line[0])
            run_command(s, CLI_EXEC, line);
        if (!text && !l->done.secret) /* only the engine knows which words are */
            edit_remember(line);
    }
    mem_wipe(line, strlen(line));
    free(line);
    if (end != EDIT_ENTER && !text)
        leave_config(s);
    return true;
}

int session_run(struct link *l, const struct session_io *io)
{
    struct session s = {.link = l, .io = io};
    term_init(&s.term, io->in, io->out, io->crlf);
    struct edit_hooks hooks = {.key = wait_key,
                               .help = on_help,
                               .complete = on_complete,
                               .ctx = &s};
    edit_open(&s.term, &hooks);
    edit_screen(io->columns);
    run_command(&s, CLI_START, "");
    while (!ended(&s) && one_line(&s))
        continue;
    show_output(&s); /* the engine's last words */
    if (l->over && !l->bye) {
        term_fresh_line(&s.term);
        term_puts(&s.term, "% The session was closed: the engine went away\n");
    }
    term_flush(&s.term);
    edit_close();
    return io->by_result && s.refused ? 1 : 0;
}
