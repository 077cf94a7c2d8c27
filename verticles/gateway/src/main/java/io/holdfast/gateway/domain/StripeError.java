package io.holdfast.gateway.domain;

/**
 * An error as the API words it; what does not apply is null.
 *
 * @param status of HTTP
 * @param param the parameter at fault
 * @param charge the charge that failed
 * @see <a href="https://docs.stripe.com/api/errors">Stripe: errors</a>
 */
public record StripeError(
    int status,
    String type,
    String code,
    String declineCode,
    String message,
    String param,
    String charge) {

  private static final String INVALID_REQUEST = "invalid_request_error";

  /** 400: the request is wrong whenever it is sent. */
  public static StripeError invalid(String code, String message, String param) {
    return new StripeError(400, INVALID_REQUEST, code, null, message, param, null);
  }

  /** 400: the request names something that does not go with what the ledger holds. */
  public static StripeError refused(String code, String message) {
    return invalid(code, message, null);
  }

  /** 404: an object in the path is not there. */
  public static StripeError missing(String what, String id, String param) {
    return new StripeError(
        404,
        INVALID_REQUEST,
        "resource_missing",
        null,
        "No such " + what + ": '" + id + "'",
        param,
        null);
  }

  /** 404: nothing is served at the path. */
  public static StripeError unrecognized(String method, String path) {
    return new StripeError(
        404,
        INVALID_REQUEST,
        null,
        null,
        "Unrecognized request URL (" + method + ": " + path + ").",
        null,
        null);
  }

  /** 401. */
  public static StripeError unauthorized(String message) {
    return new StripeError(401, INVALID_REQUEST, null, null, message, null, null);
  }

  /** 402: the card was declined. */
  public static StripeError card(Decline decline, String charge) {
    return new StripeError(
        402, "card_error", decline.code(), decline.declineCode(), decline.message(), null, charge);
  }

  /** 400: the key was used for something else. */
  public static StripeError keyReused(String key) {
    return new StripeError(
        400,
        "idempotency_error",
        null,
        null,
        "Keys for idempotent requests can only be used with the same parameters they were first"
            + " used with. Use a key other than '"
            + key
            + "' for a different request.",
        null,
        null);
  }

  /** 409: the first request with the key is still being worked on. */
  public static StripeError keyInUse(String key) {
    return new StripeError(
        409,
        "idempotency_error",
        "idempotency_key_in_use",
        null,
        "Another request with the idempotency key '" + key + "' is still in progress.",
        null,
        null);
  }

  /** 429. */
  public static StripeError rateLimited() {
    return new StripeError(
        429, INVALID_REQUEST, "rate_limit", null, "Request rate limit exceeded.", null, null);
  }

  /** 500: something broke on the gateway's side. */
  public static StripeError internal() {
    return new StripeError(
        500, "api_error", null, null, "An unknown error occurred on the gateway.", null, null);
  }
}
