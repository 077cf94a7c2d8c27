package io.holdfast.audit.domain;

/**
 * Something that is not as it must be.
 *
 * @param stream full name of the stream it is about, the ledger's own included
 * @param sequence in that stream; of the first one, if the problem names several
 * @param problem for a person, in one sentence
 */
public record Finding(String stream, long sequence, String problem) {}
