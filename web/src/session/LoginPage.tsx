import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type SubmitEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AwsError } from "../api/http";
import { ErrorAlert } from "../common/ErrorAlert";
import { logIn, type SessionState } from "./session";

/** Sign in with an access key, for the first account or for one more. */
export function LoginPage({
  problem: before,
  onEntered,
  onCancel,
}: {
  problem?: AwsError | null;
  onEntered: (state: SessionState, account?: string) => void;
  onCancel?: () => void;
}) {
  const { t } = useTranslation("session");
  const [accessKey, setAccessKey] = useState("");
  const [secretKey, setSecretKey] = useState("");
  const [problem, setProblem] = useState(before ?? null);
  const [busy, setBusy] = useState(false);

  const enter = (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    logIn({ access_key: accessKey.trim(), secret_key: secretKey.trim() })
      .then((state) => {
        onEntered(state, state.accounts.find((one) => one.access_key === accessKey.trim())?.account);
      }, setProblem)
      .finally(() => {
        setBusy(false);
      });
  };

  return (
    <Box padding="xxxl">
      <div className="login">
        <form onSubmit={enter} data-testid="login">
          <Form
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                {onCancel && (
                  <Button formAction="none" variant="link" onClick={onCancel}>
                    {t("cancel")}
                  </Button>
                )}
                <Button variant="primary" loading={busy} formAction="submit">
                  {t("signIn")}
                </Button>
              </SpaceBetween>
            }
          >
            <Container header={<Header description={t("how")}>{t("title")}</Header>}>
              <SpaceBetween size="l">
                {problem && <ErrorAlert error={problem} />}
                <FormField label={t("accessKey")}>
                  <Input
                    value={accessKey}
                    autoFocus
                    autoComplete="username"
                    onChange={({ detail }) => {
                      setAccessKey(detail.value);
                    }}
                  />
                </FormField>
                <FormField label={t("secretKey")}>
                  <Input
                    value={secretKey}
                    type="password"
                    autoComplete="current-password"
                    onChange={({ detail }) => {
                      setSecretKey(detail.value);
                    }}
                  />
                </FormField>
                <Box color="text-body-secondary" fontSize="body-s">
                  {t("orToken")} <Box variant="code">gwlb console</Box>
                </Box>
              </SpaceBetween>
            </Container>
          </Form>
        </form>
      </div>
    </Box>
  );
}
