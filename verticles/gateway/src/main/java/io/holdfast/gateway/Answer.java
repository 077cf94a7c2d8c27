package io.holdfast.gateway;

import io.holdfast.gateway.domain.Outcome;

/**
 * What a request is answered with.
 *
 * @param replayed whether it was answered so before
 */
public record Answer(Outcome outcome, boolean replayed) {}
