/*
 * checkpoint.c: checkpoints, written on the public headers: each part exports and loads a dict, the file is one dict of them.
 *
 * Loading a part is all or nothing, loading eight of them is not. So the state before is taken first, and put back if a later part
 * fails: only the module's dict shares storage with what a load changes, and needs a copy.
 */
#include <ctorch/autograd.h>
#include <ctorch/serialize.h>
#include <ctorch/train.h>

#include <stdio.h>
#include <string.h>

static const char format[] = "ctorch checkpoint 1";

static ct_status check(const char *function, const ct_checkpoint *c, const char *path) {
    if (!ct_ok()) return ct_error_status();
    if (!c || !path) return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "%s: the %s is NULL", function, c ? "path" : "checkpoint");
    for (size_t i = 0; i < sizeof c->reserved / sizeof c->reserved[0]; i++)
        if (c->reserved[i]) return ct_error_raisef(CT_ERR_INVALID_ARGUMENT, "%s: a reserved word of the checkpoint is not zero: members from a newer header?", function);
    return CT_OK;
}

/* All parts but the module. */
static void add_others(const ct_checkpoint *c, ct_dict *d) {
    if (c->optim) ct_dict_set_dict(d, "optim", ct_optim_state_dict(c->optim));
    if (c->scheduler) ct_dict_set_dict(d, "scheduler", ct_lr_scheduler_state_dict(c->scheduler));
    if (c->average) ct_dict_set_dict(d, "average", ct_optim_average_state_dict(c->average));
    if (c->stopping) ct_dict_set_dict(d, "stopping", ct_early_stopping_state_dict(c->stopping));
    if (c->loader) ct_dict_set_dict(d, "loader", ct_loader_state_dict(c->loader));
    if (c->generator) ct_dict_set(d, "generator", ct_generator_get_state(c->generator));
    ct_dict_set(d, "default_generator", ct_generator_get_state(NULL));
}

static ct_status save(const ct_checkpoint *c, const char *path) {
    ct_dict *d = ct_dict_new();
    ct_dict_set_string(d, "format", format);
    ct_dict_set_i64(d, "epoch", c->epoch);
    ct_dict_set_i64(d, "step", c->step);
    if (c->module) ct_dict_set_dict(d, "module", ct_state_dict(c->module));
    add_others(c, d);
    if (c->extra) ct_dict_set_dict(d, "extra", c->extra);
    return ct_save(d, path, NULL);
}

ct_status ct_checkpoint_save(const ct_checkpoint *c, const char *path) {
    if (check("ct_checkpoint_save", c, path) != CT_OK) return ct_error_status();
    ct_scope scope = ct_no_grad_begin();
    ct_status status = save(c, path);
    ct_scope_end(scope);
    return status;
}

/* ---- Loading ---- */

static ct_dict *snapshot(const ct_checkpoint *c) {
    ct_dict *d = ct_dict_new();
    if (c->module) ct_dict_set_dict(d, "module", ct_state_dict_clone(c->module));
    add_others(c, d);
    return d;
}

static ct_status require(const ct_dict *d, const char *path, const char *name, ct_dict_kind kind) {
    if (ct_dict_kind_of(d, name) == kind) return CT_OK;
    return ct_error_raisef(CT_ERR_NOT_FOUND, "ct_checkpoint_load: %s has no \"%s\" part", path, name);
}

static ct_status check_parts(const ct_checkpoint *c, const ct_dict *d, const char *path) {
    if (require(d, path, "format", CT_DICT_STRING) != CT_OK) return ct_error_status();
    if (strcmp(ct_dict_get_string(d, "format"), format) != 0)
        return ct_error_raisef(CT_ERR_UNSUPPORTED, "ct_checkpoint_load: %s has format \"%.40s\", this version reads \"%s\"", path,
                               ct_dict_get_string(d, "format"), format);
    require(d, path, "epoch", CT_DICT_INT);
    require(d, path, "step", CT_DICT_INT);
    require(d, path, "default_generator", CT_DICT_TENSOR);
    if (c->module) require(d, path, "module", CT_DICT_DICT);
    if (c->optim) require(d, path, "optim", CT_DICT_DICT);
    if (c->scheduler) require(d, path, "scheduler", CT_DICT_DICT);
    if (c->average) require(d, path, "average", CT_DICT_DICT);
    if (c->stopping) require(d, path, "stopping", CT_DICT_DICT);
    if (c->loader) require(d, path, "loader", CT_DICT_DICT);
    if (c->generator) require(d, path, "generator", CT_DICT_TENSOR);
    return ct_error_status();
}

/* The parts in this order; stops at the first failure. The generators come last: what is loaded before does not draw. */
static ct_status load_parts(const ct_checkpoint *c, const ct_dict *d) {
    if (c->module) ct_load_state_dict(c->module, ct_dict_get_dict(d, "module"), NULL);
    if (c->optim) ct_optim_load_state_dict(c->optim, ct_dict_get_dict(d, "optim"));
    if (c->scheduler) ct_lr_scheduler_load_state_dict(c->scheduler, ct_dict_get_dict(d, "scheduler"));
    if (c->average) ct_optim_average_load_state_dict(c->average, ct_dict_get_dict(d, "average"));
    if (c->stopping) ct_early_stopping_load_state_dict(c->stopping, ct_dict_get_dict(d, "stopping"));
    if (c->loader) ct_loader_load_state_dict(c->loader, ct_dict_get_dict(d, "loader"));
    if (c->generator) ct_generator_set_state(c->generator, ct_dict_get(d, "generator"));
    ct_generator_set_state(NULL, ct_dict_get(d, "default_generator"));
    return ct_error_status();
}

static void go_back(const ct_checkpoint *c, const ct_dict *before) {
    char sentence[512];
    ct_status status = ct_error_status();
    snprintf(sentence, sizeof sentence, "%s", ct_error_message());
    ct_error_clear();
    load_parts(c, before);
    ct_error_clear();
    ct_error_raise(status, sentence);
}

static ct_status load(ct_checkpoint *c, const ct_dict *d) {
    ct_dict *before = snapshot(c);
    if (!ct_ok()) return ct_error_status();
    if (load_parts(c, d) != CT_OK) {
        go_back(c, before);
        return ct_error_status();
    }
    c->epoch = ct_dict_get_i64(d, "epoch");
    c->step = ct_dict_get_i64(d, "step");
    return ct_error_status();
}

ct_status ct_checkpoint_load(ct_checkpoint *c, const char *path) {
    if (check("ct_checkpoint_load", c, path) != CT_OK) return ct_error_status();
    ct_scope scope = ct_no_grad_begin();
    ct_dict *file = ct_dict_keep(ct_load(path, NULL));
    if (file) check_parts(c, file, path);
    ct_scope_end(scope);
    /* extra stays in the caller's scope; it is taken before anything changes, since that needs memory too */
    ct_dict *extra = ct_ok() && ct_dict_kind_of(file, "extra") == CT_DICT_DICT ? ct_dict_get_dict(file, "extra") : NULL;
    scope = ct_no_grad_begin();
    ct_status status = ct_ok() ? load(c, file) : ct_error_status();
    ct_scope_end(scope);
    ct_dict_release(file);
    if (status == CT_OK) c->extra = extra;
    return status;
}
