import Box from "@cloudscape-design/components/box";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Wizard from "@cloudscape-design/components/wizard";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { fieldErrors } from "../../../common/fieldErrors";
import { useNotify } from "../../../common/notify";
import { loadBalancerPath } from "../../../common/paths";
import { useWork } from "../../../common/work";
import { ConfigureStep } from "./ConfigureStep";
import {
  type Draft,
  EMPTY,
  type Field,
  type Made,
  type Missing,
  missingIn,
  NOTHING,
  RULES,
  type Stage,
  STEP_OF,
} from "./draft";
import { pieces } from "./pieces";
import { Progress } from "./Progress";
import { ReviewStep } from "./ReviewStep";
import { RoutingStep } from "./RoutingStep";
import type { StepProps } from "./step";
import { TargetsStep } from "./TargetsStep";

/** AWS's wizard for a Gateway Load Balancer. A refusal leads back to the step whose field caused it; what was made stays and is not made twice. */
export default function CreateWizard() {
  const { t } = useTranslation("load-balancers");
  const navigate = useNavigate();
  const notify = useNotify();
  const [draft, setDraft] = useState<Draft>(EMPTY);
  const [step, setStep] = useState(0);
  const [missing, setMissing] = useState<readonly Missing[]>([]);
  const work = useWork<Made, Stage>(NOTHING);
  const refused = fieldErrors<Field>(work.failure?.error ?? null, work.failure ? RULES[work.failure.id] : {});

  const change = (part: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...part }));
    setMissing([]);
  };
  const errorAt: StepProps["errorAt"] = (field) =>
    missing.some((one) => one === field) ? t("wizard.required") : refused.at(field as Field);
  const to = (wanted: number) => {
    const blocked = [0, 1, 2].find((before) => before < wanted && missingIn(before, draft).length > 0);
    setStep(blocked ?? wanted);
    setMissing(blocked === undefined ? [] : missingIn(blocked, draft));
  };
  const create = () => {
    work.start(
      pieces(draft),
      (made) => {
        notify.success(t("wizard.created", { name: draft.name }));
        void navigate(loadBalancerPath(made.loadBalancer ?? ""));
      },
      (failure) => {
        if (fieldErrors<Field>(failure.error, RULES[failure.id]).rest === null) setStep(STEP_OF[failure.id]);
      },
    );
  };
  const props: StepProps = { draft, change, errorAt, made: work.made };
  const begun = work.running !== null || work.failure !== null;
  const page = (content: React.ReactNode) => (
    <SpaceBetween size="l">
      {begun && <Progress draft={draft} work={work} />}
      {content}
    </SpaceBetween>
  );
  return (
    <SpaceBetween size="s">
      <Header variant="h1">{t("createGateway")}</Header>
      <Box data-testid="wizard">
        <Wizard
          activeStepIndex={step}
          isLoadingNextStep={work.running !== null}
          allowSkipTo={false}
          submitButtonText={t("common:create")}
          i18nStrings={{
            stepNumberLabel: (number) => t("wizard.stepNumber", { number }),
            collapsedStepsLabel: (number, count) => t("wizard.stepOf", { number, total: count }),
            navigationAriaLabel: t("wizard.steps"),
            cancelButton: t("common:cancel"),
            previousButton: t("wizard.previous"),
            nextButton: t(`wizard.next${String(step)}`, { defaultValue: t("wizard.next") }),
            optional: t("wizard.optional"),
          }}
          onCancel={() => void navigate("/load-balancers")}
          onNavigate={({ detail }) => {
            to(detail.requestedStepIndex);
          }}
          onSubmit={create}
          steps={[
            { title: t("wizard.configure"), content: page(<ConfigureStep {...props} />) },
            { title: t("wizard.routing"), content: page(<RoutingStep {...props} />) },
            { title: t("wizard.targets"), isOptional: true, content: page(<TargetsStep {...props} />) },
            { title: t("wizard.review"), content: page(<ReviewStep {...props} onEdit={setStep} />) },
          ]}
        />
      </Box>
    </SpaceBetween>
  );
}
