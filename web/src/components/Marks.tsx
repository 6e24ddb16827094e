import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Input, Modal, Popconfirm, Space } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../api/client';
import { api, told } from '../api/client';
import type { Who } from '../app/session';
import { may, useWho } from '../app/session';
import { formatFen } from '../lib/format';

type Its = Schemas['ConfirmationShape'];
type Party = 'finance' | 'centre';

/** The party somebody speaks for, as the service decides it; null: none. */
export function partyOf(who: Who | null | undefined): Party | null {
  if (may(who, 'refund') && who?.role !== 'finance') return 'centre';
  return may(who, 'finance') ? 'finance' : null;
}

/** The missing mark that somebody may give; who has given one already gives no other. */
export function missingOf(who: Who | null | undefined, its: Its): Party | null {
  if (its.marks.some((mark) => mark.by === who?.name)) return null;
  const mine = partyOf(who);
  const both = mine === 'centre' && may(who, 'finance');
  const may_ = both ? ['centre', 'finance'] : mine ? [mine] : [];
  return (
    (['finance', 'centre'] as const).find((each) => its.missing.includes(each) && may_.includes(each)) ?? null
  );
}

/** Confirm and withdraw, for whoever may: a refund is marked for the sum that is shown. */
export function Marks({
  order,
  refund,
  amountFen,
  its,
  done,
}: {
  order: string;
  refund: number;
  amountFen: number;
  its: Its;
  done: () => void;
}) {
  const { t } = useTranslation();
  const who = useWho();
  const [leaving, setLeaving] = useState(false);
  const [reason, setReason] = useState('');
  const params = { path: { id: order, refund } };
  const missing = missingOf(who, its);
  const party = partyOf(who);
  const confirming = useMutation({
    mutationFn: () =>
      told(
        api.POST('/api/v1/orders/{id}/refunds/{refund}/confirm', {
          params,
          body: { party: missing, amount_fen: amountFen },
        }),
      ),
    onSuccess: done,
  });
  const withdrawing = useMutation({
    mutationFn: () =>
      told(api.POST('/api/v1/orders/{id}/refunds/{refund}/withdraw', { params, body: { party, reason } })),
    onSuccess: () => {
      setLeaving(false);
      done();
    },
  });
  const mayWithdraw = party !== null && !its.withdrawn;
  return (
    <>
      {confirming.error && <Alert type="error" showIcon title={confirming.error.message} />}
      <Space>
        {missing && (
          <Popconfirm
            title={t('confirmations.confirmAsk', {
              amount: formatFen(amountFen),
              party: t(`confirmations.party.${missing}`),
            })}
            okText={t('confirmations.confirm')}
            cancelText={t('confirmations.not')}
            onConfirm={() => confirming.mutate()}
          >
            <Button size="small" type="primary" loading={confirming.isPending}>
              {t('confirmations.confirm')}
            </Button>
          </Popconfirm>
        )}
        {mayWithdraw && (
          <Button size="small" onClick={() => setLeaving(true)}>
            {t('confirmations.withdraw')}
          </Button>
        )}
      </Space>
      {leaving && (
        <Modal
          open
          title={t('confirmations.withdrawTitle', { refund: `R${refund}`, amount: formatFen(amountFen) })}
          okText={t('confirmations.withdraw')}
          cancelText={t('confirmations.not')}
          okButtonProps={{ disabled: !reason.trim(), danger: true }}
          confirmLoading={withdrawing.isPending}
          onCancel={() => setLeaving(false)}
          onOk={() => withdrawing.mutate()}
        >
          <p>{t(its.executed ? 'confirmations.withdrawLate' : 'confirmations.withdrawEarly')}</p>
          {withdrawing.error && <Alert type="error" showIcon title={withdrawing.error.message} />}
          <Input
            aria-label={t('confirmations.reason')}
            placeholder={t('confirmations.reason')}
            maxLength={200}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        </Modal>
      )}
    </>
  );
}
