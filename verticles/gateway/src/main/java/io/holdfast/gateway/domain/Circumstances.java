package io.holdfast.gateway.domain;

import java.util.function.Supplier;

/**
 * What a decision depends on besides the command and the ledger.
 *
 * @param now seconds since 1970
 * @param key of the request; null if it has none
 * @param issuerDeclines whether the card's issuer declines, whatever the card
 * @param ids fresh ones, without a prefix
 */
public record Circumstances(long now, String key, boolean issuerDeclines, Supplier<String> ids) {}
