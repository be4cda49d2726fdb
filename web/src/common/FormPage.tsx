import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Form from "@cloudscape-design/components/form";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import type { AwsError } from "../api/http";
import { type Call, Equivalent } from "./Equivalent";
import { ErrorAlert } from "./ErrorAlert";

export interface FormPageProps {
  title: string;
  description?: ReactNode;
  /** The primary button's text. */
  submitText: string;
  onSubmit: () => void;
  busy: boolean;
  /** What no field caused; the others stand beside their fields. */
  error: AwsError | null;
  /** What the button is going to call. */
  calls: readonly Call[];
  /** Where Cancel goes. */
  back: string;
  testId: string;
  children: ReactNode;
}

/** A form as a page: fields, the same as commands, Cancel, and one primary button. */
export function FormPage(props: FormPageProps) {
  const { t } = useTranslation("common");
  const navigate = useNavigate();
  return (
    <ContentLayout
      header={
        <Header variant="h1" description={props.description}>
          {props.title}
        </Header>
      }
    >
      <form
        data-testid={props.testId}
        onSubmit={(event) => {
          event.preventDefault();
          if (!props.busy) props.onSubmit();
        }}
      >
        <Form
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" formAction="none" onClick={() => void navigate(props.back)} data-testid="cancel">
                {t("cancel")}
              </Button>
              <Button variant="primary" loading={props.busy} data-testid="submit">
                {props.submitText}
              </Button>
            </SpaceBetween>
          }
        >
          <SpaceBetween size="l">
            {props.children}
            <Equivalent calls={props.calls} />
            {props.error && <ErrorAlert error={props.error} />}
            <Box />
          </SpaceBetween>
        </Form>
      </form>
    </ContentLayout>
  );
}
