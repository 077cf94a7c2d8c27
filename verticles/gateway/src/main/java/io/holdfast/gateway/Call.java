package io.holdfast.gateway;

import io.holdfast.gateway.domain.Command;

/**
 * One request for a change.
 *
 * @param key null if it has none
 * @param fingerprint equal for requests to the same path with the same parameters
 */
public record Call(String key, String fingerprint, Command command) {}
