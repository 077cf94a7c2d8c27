package io.holdfast.gateway.http;

import io.holdfast.gateway.domain.StripeError;
import io.holdfast.runtime.config.Secret;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.Optional;

/**
 * Who may use the API: whoever shows the key, or any key if none was set. It is taken as a bearer
 * token, or as the user of basic authentication as {@code curl -u} sends it.
 *
 * @param expected empty if any will do
 * @see <a href="https://docs.stripe.com/api/authentication">Stripe: authentication</a>
 */
public record ApiKey(Optional<Secret> expected) {

  private static final String BEARER = "Bearer ";
  private static final String BASIC = "Basic ";

  /**
   * @param authorization the header; null if there is none
   * @return what to answer; empty if the request may go on
   */
  Optional<StripeError> refuse(String authorization) {
    String shown = key(authorization);
    if (shown.isEmpty()) {
      return Optional.of(
          StripeError.unauthorized(
              "You did not provide an API key. Send it in the Authorization header, as"
                  + " 'Authorization: Bearer YOUR_SECRET_KEY'."));
    }
    if (expected.isPresent() && !same(shown, expected.get().reveal())) {
      return Optional.of(StripeError.unauthorized("Invalid API Key provided."));
    }
    return Optional.empty();
  }

  private static String key(String authorization) {
    if (authorization == null) {
      return "";
    }
    if (authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      return authorization.substring(BEARER.length()).strip();
    }
    if (authorization.regionMatches(true, 0, BASIC, 0, BASIC.length())) {
      try {
        byte[] pair = Base64.getDecoder().decode(authorization.substring(BASIC.length()).strip());
        return new String(pair, StandardCharsets.UTF_8).split(":", 2)[0];
      } catch (IllegalArgumentException notBase64) {
        return "";
      }
    }
    return "";
  }

  /** Takes as long whatever differs. */
  private static boolean same(String shown, String expected) {
    return MessageDigest.isEqual(
        shown.getBytes(StandardCharsets.UTF_8), expected.getBytes(StandardCharsets.UTF_8));
  }
}
