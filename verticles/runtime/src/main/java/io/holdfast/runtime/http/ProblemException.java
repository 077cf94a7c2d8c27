package io.holdfast.runtime.http;

/** Ends a request with a problem. */
public final class ProblemException extends RuntimeException {

  private final transient Problem problem;

  public ProblemException(Problem problem) {
    super(problem.detail());
    this.problem = problem;
  }

  public Problem problem() {
    return problem;
  }

  /** An answer, not an accident: its stack tells nothing. */
  @Override
  public synchronized Throwable fillInStackTrace() {
    return this;
  }
}
