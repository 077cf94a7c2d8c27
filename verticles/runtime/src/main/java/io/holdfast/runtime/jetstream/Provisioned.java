package io.holdfast.runtime.jetstream;

import java.util.List;

/**
 * What became of a system's streams and consumers.
 *
 * @param problems what is missing, or differs from what the promises need, one sentence each
 * @param absent what is not there and need not be, and what asks for it
 */
public record Provisioned(List<String> problems, List<String> absent) {}
