/* A stream's state to bytes and back (saved.h has the format). */
#include "run/saved.h"

#include "run/options.h"
#include "vocab/text_hash.h"

#include <string.h>

static const int64_t FURTHEST = (int64_t)1 << 62; /* steps: beyond it a count could not go on */

static const void *layer_of(const ur_stream *s, int layer, size_t *used)
{
	const ur_layer *l = &s->m->stack.layer[layer];
	const void *state = ur_model_state_of(s->m, s->state, layer);

	*used = l->kind->state_used(&l->dims, state);
	return state;
}

/* Everything but the position, which every stream of the model has in common. */
static ur_saved head_of(const ur_model *m)
{
	ur_saved h = { .order = UR_SAVED_ORDER, .version = UR_SAVED_VERSION, .model = ur_model_fingerprint(m),
		.context = ur_model_limit(m), .window = ur_model_window(m), .layers = (uint32_t)m->spec.layers };

	memcpy(h.magic, UR_SAVED_MAGIC, sizeof h.magic);
	return h;
}

size_t unroll_stream_save_size(const ur_stream *stream)
{
	size_t bytes = sizeof(ur_saved) + sizeof(uint64_t), used;

	for (int i = 0; i < stream->m->spec.layers; i++) {
		layer_of(stream, i, &used);
		bytes += sizeof(uint64_t) + used;
	}
	return bytes;
}

static void put(char **to, const void *from, size_t bytes)
{
	memcpy(*to, from, bytes);
	*to += bytes;
}

ur_status unroll_stream_save(const ur_stream *stream, void *to, size_t room, size_t *bytes, ur_err *err)
{
	const size_t size = unroll_stream_save_size(stream);
	ur_saved head = head_of(stream->m);
	ur_hash hash = { 0 };
	char *at = to;
	uint64_t number;
	size_t used;

	if (bytes)
		*bytes = size;
	if (room < size)
		return ur_fail(err, UR_E_INVALID, "the stream's state takes %zu bytes; there is room for %zu", size, room);
	head.bytes = size;
	head.position = unroll_position(stream);
	put(&at, &head, sizeof head);
	for (int i = 0; i < stream->m->spec.layers; i++) {
		layer_of(stream, i, &used);
		number = used;
		put(&at, &number, sizeof number);
	}
	for (int i = 0; i < stream->m->spec.layers; i++) {
		const void *state = layer_of(stream, i, &used);
		put(&at, state, used);
	}
	ur_hash_add(&hash, to, (size_t)(at - (char *)to));
	number = ur_hash_value(&hash);
	put(&at, &number, sizeof number);
	return UR_OK;
}

static uint64_t number_at(const char *at)
{
	uint64_t number;
	memcpy(&number, at, sizeof number);
	return number;
}

/* That they are whole, and as some program of this format wrote them. */
static ur_status check_whole(const char *from, size_t bytes, ur_saved *head, ur_err *err)
{
	ur_hash hash = { 0 };

	if (bytes < sizeof *head + sizeof(uint64_t))
		return ur_fail(err, UR_E_FORMAT, "a stream's state has at least %zu bytes, these are %zu: they are cut, or "
		               "something else", sizeof *head + sizeof(uint64_t), bytes);
	memcpy(head, from, sizeof *head);
	if (memcmp(head->magic, UR_SAVED_MAGIC, sizeof head->magic))
		return ur_fail(err, UR_E_FORMAT, "this is not the state of a stream");
	if (head->order != UR_SAVED_ORDER)
		return ur_fail(err, UR_E_FORMAT, "the state is of a machine with another byte order");
	if (head->version != UR_SAVED_VERSION)
		return ur_fail(err, UR_E_FORMAT, "the state has format %u, this library, version %s, reads %d: use the version "
		               "that wrote it", head->version, UNROLL_VERSION, UR_SAVED_VERSION);
	if (head->bytes != bytes)
		return ur_fail(err, UR_E_FORMAT, "the state is cut or mixed with something: it has %zu bytes and says %llu",
		               bytes, (unsigned long long)head->bytes);
	ur_hash_add(&hash, from, bytes - sizeof(uint64_t));
	if (ur_hash_value(&hash) != number_at(from + bytes - sizeof(uint64_t)))
		return ur_fail(err, UR_E_FORMAT, "the state is damaged: its checksum is not that of its bytes");
	return UR_OK;
}

static ur_status check_model(const ur_model *m, const ur_saved *head, ur_err *err)
{
	const ur_saved own = head_of(m);

	if (head->model != own.model)
		return ur_fail(err, UR_E_INVALID, "the state is of another model than this one, %s: of another spec, other "
		               "weights, or the same kept otherwise", m->spec.text);
	if (head->context != own.context || head->window != own.window)
		return ur_fail(err, UR_E_INVALID, "the state is of a model opened with context %lld and window %lld (0: none); "
		               "this one, %s, has %lld and %lld", (long long)head->context, (long long)head->window,
		               m->spec.text, (long long)own.context, (long long)own.window);
	return UR_OK;
}

/* Bytes with a right checksum may still be made up: no layer may be left with sizes and counts that steps cannot lead
 * to. What numbers a state has is no matter of safety. */
static ur_status check_layers(const ur_model *m, const char *from, const ur_saved *head, ur_err *err)
{
	const uint64_t layers = (uint64_t)m->spec.layers, fixed = sizeof *head + (layers + 1) * sizeof(uint64_t);
	const char *sizes = from + sizeof *head, *state = sizes + layers * sizeof(uint64_t);
	const int64_t limit = ur_model_limit(m);
	uint64_t left;

	if (head->layers != layers || head->none || head->bytes < fixed)
		return ur_fail(err, UR_E_FORMAT, "the state is damaged: it does not have %llu layers",
		               (unsigned long long)layers);
	if (head->position < 0 || head->position > (limit ? limit : FURTHEST))
		return ur_fail(err, UR_E_FORMAT, "the state is damaged: no stream of %s is at step %lld", m->spec.text,
		               (long long)head->position);
	left = head->bytes - fixed;
	for (int i = 0; i < m->spec.layers; i++) {
		const ur_layer *l = &m->stack.layer[i];
		const uint64_t used = number_at(sizes + (size_t)i * sizeof(uint64_t));
		int fits = used <= left;

		if (fits && l->kind->state_fits)
			fits = l->kind->state_fits(&l->dims, head->position, state, used);
		else if (fits)
			fits = used == l->kind->state_size(&l->dims);
		if (!fits)
			return ur_fail(err, UR_E_FORMAT, "the state is damaged: that of layer %d is none of a stream at step %lld",
			               i, (long long)head->position);
		state += used;
		left -= used;
	}
	if (left)
		return ur_fail(err, UR_E_FORMAT, "the state is damaged: %llu bytes are of no layer", (unsigned long long)left);
	return UR_OK;
}

ur_status unroll_stream_restore(ur_stream *stream, const void *from, size_t bytes, ur_err *err)
{
	const ur_model *m = stream->m;
	const char *sizes, *state;
	ur_saved head;
	ur_status status;

	if ((status = check_whole(from, bytes, &head, err)) || (status = check_model(m, &head, err)) ||
	    (status = check_layers(m, from, &head, err)))
		return status;
	sizes = (const char *)from + sizeof head;
	state = sizes + (size_t)m->spec.layers * sizeof(uint64_t);
	unroll_stream_reset(stream);
	for (int i = 0; i < m->spec.layers; i++) {
		const size_t used = (size_t)number_at(sizes + (size_t)i * sizeof(uint64_t));
		memcpy(ur_model_state_of(m, stream->state, i), state, used);
		state += used;
	}
	*ur_model_position(stream->state) = head.position;
	return UR_OK;
}
